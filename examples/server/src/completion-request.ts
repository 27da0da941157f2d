import type { ChatMessage, ChatTokenizer, Sampling, ServeRequest } from '@heed/llm';

/** A request that the server refuses: the body of the answer, as OpenAI has it. */
export class RefusedRequest extends Error {
  readonly status: number;
  readonly param: string | null;

  constructor(message: string, { status = 400, param }: { status?: number; param?: string } = {}) {
    super(message);
    this.status = status;
    this.param = param ?? null;
  }
}

/** The bounds of a request. */
interface RequestBounds {
  /** Most answers to a prompt, and most prompts. */
  readonly answers: number;
  /** Most tokens of an answer, which is also the default. */
  readonly maxTokens: number;
}

/** A request of either endpoint, read and checked. */
export interface CompletionRequest {
  /** One per prompt. */
  readonly requests: readonly ServeRequest[];
  readonly stops: readonly string[];
  readonly isStream: boolean;
  readonly hasUsage: boolean;
}

/** What the reading of a request needs to know of the model. */
export interface RequestContext {
  readonly tokenizer: ChatTokenizer;
  /** The sampling of the checkpoint, for what the request leaves open. */
  readonly sampling: Sampling;
  readonly bounds: RequestBounds;
}

type Body = Readonly<Record<string, unknown>>;

/** Keys whose values change nothing here. */
const idle = new Set([
  'model',
  'user',
  'metadata',
  'safety_identifier',
  'prompt_cache_key',
  'service_tier',
  'store',
]);

/** Keys that are not implemented, and the values with which they request nothing. */
const neutral: Readonly<Record<string, readonly unknown[]>> = {
  presence_penalty: [0],
  frequency_penalty: [0],
  logprobs: [0],
  top_logprobs: [0],
  best_of: [1],
  suffix: [''],
  tool_choice: ['none', 'auto'],
  parallel_tool_calls: [true],
};

/**
 * Reads the body of `/v1/completions` or `/v1/chat/completions`.
 * @throws RefusedRequest a key that is not implemented, or a value out of its range
 */
export function readCompletion(
  json: unknown,
  kind: 'text' | 'chat',
  { tokenizer, sampling, bounds }: RequestContext,
): CompletionRequest {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new RefusedRequest('the body must be a JSON object');
  }
  const body = json as Body;
  const read = new Set<string>();
  const take = (key: string, is: (value: unknown) => boolean, rule: string): unknown => {
    read.add(key);
    const value = body[key] ?? undefined;
    if (value === undefined || is(value)) return value;
    throw new RefusedRequest(`${key} must be ${rule}; got ${JSON.stringify(value)}`, {
      param: key,
    });
  };
  const number = (key: string, least: number, most: number): number | undefined =>
    take(
      key,
      (x) => typeof x === 'number' && x >= least && x <= most,
      `from ${least} to ${most}`,
    ) as number | undefined;
  const whole = (key: string, least: number, most: number): number | undefined =>
    take(
      key,
      (x) => Number.isInteger(x) && (x as number) >= least && (x as number) <= most,
      `a whole number from ${least} to ${most}`,
    ) as number | undefined;
  const flag = (key: string): boolean =>
    take(key, (x) => typeof x === 'boolean', 'true or false') === true;

  const prompts =
    kind === 'chat' ? chatPrompt(body, tokenizer) : textPrompts(body, tokenizer, bounds);
  read.add(kind === 'chat' ? 'messages' : 'prompt');
  const maxTokens = [
    whole('max_tokens', 1, bounds.maxTokens),
    kind === 'chat' ? whole('max_completion_tokens', 1, bounds.maxTokens) : undefined,
  ];
  const stop = take('stop', isStops, 'a text, or a list of 1 to 4 texts') as
    | string
    | string[]
    | undefined;
  const usage = take('stream_options', isObject, 'an object') as
    | { include_usage?: boolean }
    | undefined;
  const seed = whole('seed', 0, 2 ** 32 - 1) ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
  const given = {
    temperature: number('temperature', 0, 2),
    topP: number('top_p', 1e-6, 1),
    topK: whole('top_k', 1, 64),
    repetitionPenalty: number('repetition_penalty', 0.1, 10),
  };
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  const request = {
    maxTokens: Math.min(...maxTokens.map((most) => most ?? bounds.maxTokens)),
    sampling: { ...sampling, ...Object.fromEntries(chosen), seed },
    answers: whole('n', 1, bounds.answers) ?? 1,
    priority: number('priority', -1000, 1000) ?? 0,
    salt: (take('cache_salt', isText, 'a text') as string | undefined) ?? '',
  };
  const isStream = flag('stream');
  refuseOthers(body, read);
  return {
    requests: prompts.map((prompt) => ({ ...request, prompt })),
    stops: [stop ?? []].flat(),
    isStream,
    hasUsage: usage?.include_usage === true,
  };
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null;

const isText = (x: unknown): x is string => typeof x === 'string' && x !== '';

const isStops = (x: unknown): boolean =>
  isText(x) || (Array.isArray(x) && x.length >= 1 && x.length <= 4 && x.every(isText));

const isTokens = (x: unknown): x is number[] =>
  Array.isArray(x) && x.length > 0 && x.every(Number.isInteger);

/** A text, tokens, or a list of either. */
function textPrompts(body: Body, tokenizer: ChatTokenizer, { answers }: RequestBounds): number[][] {
  const { prompt } = body;
  const list = isText(prompt) || isTokens(prompt) ? [prompt] : Array.isArray(prompt) ? prompt : [];
  const sound = list.every((one) => isText(one) || isTokens(one));
  if (!sound || list.length === 0 || list.length > answers) {
    throw new RefusedRequest(
      `prompt must be a text, a list of tokens, or 1 to ${answers} of these`,
      { param: 'prompt' },
    );
  }
  return list.map((one: string | number[]) =>
    typeof one === 'string' ? tokenizer.encode(one) : one,
  );
}

function chatPrompt({ messages }: Body, tokenizer: ChatTokenizer): number[][] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new RefusedRequest('messages must be a list of messages', { param: 'messages' });
  }
  if (!tokenizer.canChat) {
    throw new RefusedRequest('this model has no template of conversations; use /v1/completions', {
      param: 'messages',
    });
  }
  return [tokenizer.encodeChat(messages.map(messageOf))];
}

const roles = ['system', 'user', 'assistant'] as const;

function messageOf(message: unknown, i: number): ChatMessage {
  const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
  const known = roles.find((one) => one === role || (one === 'system' && role === 'developer'));
  const parts = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  const texts = parts.map((part: { type?: unknown; text?: unknown } | null) => {
    return part?.type === 'text' ? part.text : undefined;
  });
  if (known && texts.every((text) => typeof text === 'string')) {
    return { role: known, content: texts.join('') };
  }
  throw new RefusedRequest(`messages[${i}] must have a role of ${roles.join(', ')} and a text`, {
    param: 'messages',
  });
}

/** Refuses keys that nobody has read, unless they request nothing. */
function refuseOthers(body: Body, read: ReadonlySet<string>): void {
  for (const [key, value] of Object.entries(body)) {
    if (read.has(key) || idle.has(key) || value === null || value === false) continue;
    if (neutral[key]?.includes(value)) continue;
    if (isObject(value) && Object.keys(value as object).length === 0) continue;
    if (key === 'response_format' && (value as { type?: unknown }).type === 'text') continue;
    throw new RefusedRequest(
      `this server does not implement ${key} = ${JSON.stringify(value)?.slice(0, 100)}`,
      { param: key },
    );
  }
}
