import type { KvSequence } from '@heed/kvcache';

/** What somebody asks for: so many tokens after a prompt, once or in several branches. */
export interface Request {
  readonly id: string;
  /** Token ids; at least one. */
  readonly prompt: readonly number[];
  /** Tokens to generate. */
  readonly count: number;
  /** The token that ends an answer before. */
  readonly end?: number;
  /** Branches: the i-th starts with the i-th likeliest token, and goes on greedily. 1 is plain greedy decoding. */
  readonly branches: number;
}

/** One answer of a request as it grows. */
export interface Answer {
  readonly request: string;
  readonly branch: number;
  readonly tokens: readonly number[];
  readonly isDone: boolean;
}

/** One answer of a request, waiting or running. */
export interface Lane {
  readonly request: Request;
  readonly branch: number;
  /** The prompt, and the answer as it grows. */
  readonly tokens: number[];
  /** Branches that are still to be made of it when its prompt is done, itself included. */
  branches: number;
}

/** A lane in the batch. */
export interface Running extends Lane {
  readonly sequence: KvSequence;
}

export const laneOf = (request: Request): Lane => ({
  request,
  branch: 0,
  tokens: [...request.prompt],
  branches: request.branches,
});

export const generatedOf = ({ request, tokens }: Lane): number =>
  tokens.length - request.prompt.length;

/** Whether nothing is to be added: the answer is long enough, or its last token says so. */
export function isDone(lane: Lane): boolean {
  const generated = generatedOf(lane);
  const { count, end } = lane.request;
  return generated >= count || (generated > 0 && lane.tokens.at(-1) === end);
}

/** A name for people: the request's, and the branch where there are several. */
export const nameOf = ({ request, branch }: Lane): string =>
  request.branches > 1 ? `${request.id}${branch + 1}` : request.id;

export const answerOf = (lane: Lane): Answer => ({
  request: lane.request.id,
  branch: lane.branch,
  tokens: lane.tokens.slice(lane.request.prompt.length),
  isDone: isDone(lane),
});
