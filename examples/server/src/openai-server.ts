import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HeedError } from '@heed/core';
import { answerText, type ServedAnswer, type ServeRequest } from '@heed/llm';
import { type CompletionRequest, readCompletion, RefusedRequest } from './completion-request.ts';
import { readJson, sendJson } from './json-bodies.ts';
import type { ModelHost, ServedModel } from './served-model.ts';
import { ServerMetrics } from './server-metrics.ts';

/** Name and bounds of a server. */
export interface ServerOptions {
  /** The name of the model in answers. */
  readonly model: string;
  /** Most bytes of a body; default 1 MiB. */
  readonly bodyBytes?: number;
  /** Most answers to a prompt, and most prompts of a request; default 8. */
  readonly answers?: number;
  /** Most tokens of an answer, and the default; default 1,024. */
  readonly maxTokens?: number;
  /** Requests that may wait; further ones get 429; default 64. */
  readonly waiting?: number;
  /**
   * Called before a request is computed, for example to load its pages from a store; what it returns is disposed of once the request
   * has ended.
   */
  readonly before?: (served: ServedModel, request: ServeRequest) => Promise<Disposable>;
}

type Kind = 'text' | 'chat';

/** An answer to a request, and how it is written. */
interface Reply {
  readonly kind: Kind;
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

/** Returns a server with the completions of OpenAI's interface; the caller listens and closes. */
export function openAiServer(host: ModelHost, options: ServerOptions): Server {
  const metrics = new ServerMetrics();
  return createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const known = path in routes ? path : 'other';
    response.on('close', () => metrics.answered(known, response.statusCode));
    answer(host, options, metrics, path, request, response).catch((error: unknown) => {
      refuse(response, error);
    });
  });
}

const routes: Readonly<Record<string, 'GET' | 'POST'>> = {
  '/health': 'GET',
  '/metrics': 'GET',
  '/v1/models': 'GET',
  '/v1/completions': 'POST',
  '/v1/chat/completions': 'POST',
};

async function answer(
  host: ModelHost,
  options: ServerOptions,
  metrics: ServerMetrics,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = routes[path];
  if (!method) throw new RefusedRequest(`there is no ${path}`, { status: 404 });
  if (request.method !== method)
    throw new RefusedRequest(`${path} takes ${method}`, { status: 405 });
  const body =
    method === 'POST' ? await readJson(request, options.bodyBytes ?? 2 ** 20) : undefined;
  const served = await host.current();
  if (path === '/health') return sendJson(response, { status: 'ok' });
  if (path === '/metrics') {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(metrics.text(served));
    return;
  }
  if (path === '/v1/models') {
    const model = { id: options.model, object: 'model', created: 0, owned_by: 'heed' };
    return sendJson(response, { object: 'list', data: [model] });
  }
  if (served.engine.stats.waiting >= (options.waiting ?? 64)) {
    response.setHeader('retry-after', '1');
    throw new RefusedRequest('too many requests are waiting; try again', { status: 429 });
  }
  const started = performance.now();
  const kind: Kind = path === '/v1/completions' ? 'text' : 'chat';
  const { answers = 8, maxTokens = 1024 } = options;
  const read = readCompletion(body, kind, {
    tokenizer: served.tokenizer,
    sampling: served.generation.sampling,
    bounds: { answers, maxTokens: Math.min(maxTokens, served.model.context - 1) },
  });
  const { before } = options;
  const held = await Promise.all(before ? read.requests.map((one) => before(served, one)) : []);
  try {
    await complete(served, options.model, kind, read, response, metrics, started);
  } finally {
    for (const one of held) one[Symbol.dispose]();
  }
  metrics.request.observe((performance.now() - started) / 1000);
}

/** Computes the answers of a request, and writes them at once or as they come. A connection that closes ends them. */
async function complete(
  { engine, tokenizer, generation, model }: ServedModel,
  name: string,
  kind: Kind,
  { requests, stops, isStream, hasUsage }: CompletionRequest,
  response: ServerResponse,
  metrics: ServerMetrics,
  started: number,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort(new Error('the connection was closed')));
  const endTokens = generation.endTokens.length > 0 ? generation.endTokens : model.config.endTokens;
  const answers = requests.flatMap((one) =>
    engine.submit({ ...one, endTokens, signal: gone.signal }),
  );
  const reply: Reply = {
    kind,
    id: `${kind === 'chat' ? 'chatcmpl' : 'cmpl'}-${crypto.randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: name,
  };
  let tokens = 0;
  async function* counted(given: ServedAnswer): AsyncGenerator<number> {
    for await (const token of given) {
      if (tokens++ === 0) metrics.firstToken.observe((performance.now() - started) / 1000);
      yield token;
    }
  }
  const texts = answers.map((one) => answerText(counted(one), tokenizer, stops));
  const usage = (): object => {
    const prompt = requests.reduce((sum, one) => sum + one.prompt.length, 0);
    return { prompt_tokens: prompt, completion_tokens: tokens, total_tokens: prompt + tokens };
  };
  // An answer that a stop string has ended was not read to its end.
  const reasonOf = (one: ServedAnswer): string => (one.finish === 'length' ? 'length' : 'stop');
  if (isStream) {
    await stream(
      response,
      reply,
      texts,
      (i) => reasonOf(answers[i]!),
      hasUsage ? usage : undefined,
    );
    return;
  }
  const whole = await Promise.all(texts.map(joined));
  const choices = whole.map((text, index) => ({
    index,
    ...(kind === 'chat'
      ? { message: { role: 'assistant', content: text, refusal: null } }
      : { text }),
    logprobs: null,
    finish_reason: reasonOf(answers[index]!),
  }));
  const { kind: _, ...common } = reply;
  const object = kind === 'chat' ? 'chat.completion' : 'text_completion';
  sendJson(response, { ...common, object, choices, usage: usage() });
}

async function joined(texts: AsyncIterable<string>): Promise<string> {
  let all = '';
  for await (const text of texts) all += text;
  return all;
}

/** Writes server-sent events: a chunk per piece of text, the reason of each end, the usage, and `[DONE]`. */
async function stream(
  response: ServerResponse,
  { kind, ...common }: Reply,
  texts: readonly AsyncIterable<string>[],
  reasonOf: (index: number) => string,
  usage: (() => object) | undefined,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const object = kind === 'chat' ? 'chat.completion.chunk' : 'text_completion';
  const write = (value: object): void => {
    response.write(`data: ${JSON.stringify({ ...common, object, ...value })}\n\n`);
  };
  const choice = (index: number, text: string | undefined, reason: string | null): object => {
    const delta = text === undefined ? {} : { content: text };
    const piece = kind === 'chat' ? { delta } : { text: text ?? '' };
    return { choices: [{ index, ...piece, logprobs: null, finish_reason: reason }] };
  };
  try {
    await Promise.all(
      texts.map(async (pieces, index) => {
        if (kind === 'chat') {
          write({
            choices: [{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }],
          });
        }
        for await (const text of pieces) write(choice(index, text, null));
        write(choice(index, undefined, reasonOf(index)));
      }),
    );
    if (usage) write({ choices: [], usage: usage() });
    response.end('data: [DONE]\n\n');
  } catch (error) {
    // The status has been sent: the error is an event, and the stream ends without [DONE].
    response.end(`data: ${JSON.stringify(errorOf(error))}\n\n`);
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  sendJson(response, errorOf(error), statusOf(error));
}

function statusOf(error: unknown): number {
  if (error instanceof RefusedRequest) return error.status;
  if (!HeedError.is(error)) return 500;
  if (error.code === 'device-lost' || error.code === 'disposed') return 503;
  return error.code === 'validation' || error.code === 'capacity' ? 400 : 500;
}

function errorOf(error: unknown): { error: object } {
  const status = statusOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  const param = error instanceof RefusedRequest ? error.param : null;
  return { error: { message, type, param, code: HeedError.is(error) ? error.code : null } };
}
