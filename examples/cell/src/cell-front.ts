import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ChatTokenizer } from '@heed/llm';
import type { Pick, Router } from '@heed/router';
import { readJson, sendJson } from '@heed/server';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { CellCounts } from './cell-counts.ts';
import { DifferentAnswerError, ResumedStream } from './resumed-stream.ts';
import { type RoutedPrompt, routedPrompt } from './routed-prompt.ts';

export interface FrontOptions {
  readonly router: Router;
  readonly tokenizer: ChatTokenizer;
  /** Bytes that the store holds, for the dashboard. */
  readonly storeBytes: () => Promise<number | undefined>;
}

/** How often a request begins anew at another worker. */
const MOST_RETRIES = 2;
const MOST_BYTES = 2 ** 20;

const page = readFileSync(new URL('dashboard.html', import.meta.url));

/** Why an attempt ended without an answer. */
class AttemptError extends Error {}

/**
 * Returns the server in front of a cell's workers, with their interface. It sends each request to the worker that the router chooses,
 * and to another, from the start, if that one fails: at most twice. What the client has already is compared and not sent again.
 */
export function cellFront({ router, tokenizer, storeBytes }: FrontOptions): Server {
  const counts = new CellCounts();
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const answered = async (): Promise<void> => {
      if (pathname === '/') return void response.setHeader('content-type', 'text/html').end(page);
      if (pathname === '/cell.json') {
        return sendJson(response, {
          ...counts.figures(router.workers()),
          storeBytes: await storeBytes(),
        });
      }
      if (pathname === '/health') {
        return sendJson(response, {}, router.workers().length > 0 ? 200 : 503);
      }
      if (request.method !== 'POST') return forward(router, request, response, pathname);
      const body = await bodyOf(request);
      const prompt = routedPrompt(body, tokenizer);
      await new Forwarding({ router, counts, prompt, pathname, body, response }).run();
    };
    answered().catch((error: unknown) => {
      if (!response.headersSent) return sendJson(response, errorOf(error), 502);
      response.end(`data: ${JSON.stringify(errorOf(error))}\n\n`);
    });
  });
}

interface Context {
  readonly router: Router;
  readonly counts: CellCounts;
  readonly prompt: RoutedPrompt;
  readonly pathname: string;
  readonly body: Record<string, unknown>;
  readonly response: ServerResponse;
}

/** One request, over all its attempts. */
class Forwarding {
  readonly #context: Context;
  /** The same for all attempts: sampled answers would differ otherwise. */
  readonly #text: string;
  readonly #stream = new ResumedStream();
  readonly #gone = new AbortController();

  constructor(context: Context) {
    this.#context = context;
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
    this.#text = JSON.stringify({ ...context.body, seed: context.body['seed'] ?? seed });
    context.response.on('close', () => this.#gone.abort());
  }

  async run(): Promise<void> {
    const { router, counts, prompt, response } = this.#context;
    const failed: string[] = [];
    let bits: string | undefined;
    for (;;) {
      const { names, length } = prompt;
      const pick = router.route(names, {
        length,
        exclude: failed,
        ...(bits !== undefined && { bits }),
      });
      if (!pick) {
        response.setHeader('retry-after', '1');
        throw new Error('no worker of the cell answers');
      }
      counts.began(pick, length);
      try {
        await this.#attempt(pick);
        pick.done();
        return;
      } catch (error) {
        pick.failed();
        if (this.#gone.signal.aborted) return;
        if (!(error instanceof AttemptError) || failed.length === MOST_RETRIES) throw error;
        counts.retried();
        failed.push(pick.worker);
        bits = pick.bits;
      }
    }
  }

  async #attempt(pick: Pick): Promise<void> {
    const { pathname, response, counts } = this.#context;
    const started = performance.now();
    const first = (): void => {
      pick.firstToken();
      counts.firstToken(performance.now() - started);
    };
    const answer = await this.#try(() =>
      fetch(`${pick.url}${pathname}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: this.#text,
        signal: this.#gone.signal,
      }),
    );
    if (answer.status >= 500) throw new AttemptError(`${pick.worker} answers ${answer.status}`);
    const type = answer.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) {
      const text = await this.#try(() => answer.text());
      first();
      const retry = answer.headers.get('retry-after');
      if (retry !== null) response.setHeader('retry-after', retry);
      response.writeHead(answer.status, { 'content-type': type }).end(text);
      return;
    }
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
    }
    await this.#copy(answer.body!, first);
  }

  async #copy(stream: ReadableStream<Uint8Array>, first: () => void): Promise<void> {
    const { response } = this.#context;
    this.#stream.begin();
    const events = stream
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .pipeThrough(new EventSourceParserStream())
      .getReader();
    let isFirst = true;
    for (;;) {
      const { done, value } = await this.#try(() => events.read());
      if (done) throw new AttemptError('the stream broke off');
      if (isFirst) first();
      isFirst = false;
      const data = this.#next(value.data);
      if (data !== undefined) response.write(`data: ${data}\n\n`);
      if (data === '[DONE]') return void response.end();
    }
  }

  #next(data: string): string | undefined {
    try {
      return this.#stream.next(data);
    } catch (error) {
      if (error instanceof DifferentAnswerError) throw error;
      throw new AttemptError((error as Error).message);
    }
  }

  /** Whatever a connection does wrong is worth another attempt. */
  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new AttemptError((error as Error).message);
    }
  }
}

/** Answers a GET by any worker. */
async function forward(
  router: Router,
  request: IncomingMessage,
  response: ServerResponse,
  pathname: string,
): Promise<void> {
  const url = router.workers().find((worker) => !worker.suspect)?.url;
  if (url === undefined) throw new Error('no worker of the cell answers');
  const answer = await fetch(`${url}${pathname}`, { method: request.method ?? 'GET' });
  const type = answer.headers.get('content-type') ?? 'application/json';
  response.writeHead(answer.status, { 'content-type': type }).end(await answer.text());
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await readJson(request, MOST_BYTES);
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  throw new Error('the body must be a JSON object');
}

const errorOf = (error: unknown): object => ({
  error: {
    message: error instanceof Error ? error.message : String(error),
    type: 'server_error',
    param: null,
    code: null,
  },
});
