import type { KvSequence } from '@heed/kvcache';

/** A request for `count` tokens after a prompt, in one or several branches. */
export interface Request {
  readonly id: string;
  /** Token ids; at least one. */
  readonly prompt: readonly number[];
  /** Tokens to generate. */
  readonly count: number;
  /** The token that ends an answer early. */
  readonly end?: number;
  /** Number of branches: branch i starts with the i-th likeliest token and continues greedily. 1 is plain greedy decoding. */
  readonly branches: number;
}

/** One answer of a request, complete or not. */
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
  /** The prompt followed by the answer so far. */
  readonly tokens: number[];
  /** Branches to fork from it once its prompt is computed, itself included. */
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

/** Whether the answer is complete: long enough, or ended by its end token. */
export function isDone(lane: Lane): boolean {
  const generated = generatedOf(lane);
  const { count, end } = lane.request;
  return generated >= count || (generated > 0 && lane.tokens.at(-1) === end);
}

/** Returns the displayed name: the request's id, with the branch number if there are several. */
export const nameOf = ({ request, branch }: Lane): string =>
  request.branches > 1 ? `${request.id}${branch + 1}` : request.id;

export const answerOf = (lane: Lane): Answer => ({
  request: lane.request.id,
  branch: lane.branch,
  tokens: lane.tokens.slice(lane.request.prompt.length),
  isDone: isDone(lane),
});
