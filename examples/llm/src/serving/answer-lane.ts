import type { NamesOf } from '@heed/core/kernel';
import type { KvSequence } from '@heed/kvcache';
import { type Sampling, samplingNames } from '../generation/sampling.ts';
import type { TokenChannel } from './token-channel.ts';

/** A request for one answer or several to a prompt. */
export interface ServeRequest {
  /** Token ids; at least one. */
  readonly prompt: readonly number[];
  /** Most tokens of an answer; default: as many as the context holds. */
  readonly maxTokens?: number;
  readonly sampling?: Sampling;
  /** Tokens that end an answer; default: those of the model's configuration. */
  readonly endTokens?: readonly number[];
  /** Number of answers, which share the prompt's memory; default 1. Answer i draws with seed + i. */
  readonly answers?: number;
  /** Requests of a higher one go first, and lose their memory last; default 0. */
  readonly priority?: number;
  /** Keeps the cached prefixes of tenants apart; default ''. */
  readonly salt?: string;
  /** An abort ends all answers with the reason of the signal. */
  readonly signal?: AbortSignal;
}

export const requestNames: NamesOf<ServeRequest> = {
  prompt: 1,
  maxTokens: 1,
  sampling: samplingNames,
  endTokens: 1,
  answers: 1,
  priority: 1,
  salt: 1,
  signal: 1,
};

/** Why an answer has ended: at an end token, at its most tokens, or because the caller stopped reading. */
export type FinishReason = 'stop' | 'length' | 'cancelled';

/** An answer: its tokens as they are generated, the end token included. */
export interface ServedAnswer extends AsyncIterableIterator<number> {
  /** Known once the tokens are at their end. */
  readonly finish: FinishReason | undefined;
}

/** One answer of a request, waiting or running. */
export interface Lane {
  readonly request: ServeRequest;
  readonly sampling: Sampling;
  readonly endTokens: readonly number[];
  readonly priority: number;
  /** Order of arrival. */
  readonly order: number;
  /** Tokens at which it ends: prompt and answer. */
  readonly most: number;
  /** The prompt followed by the answer so far. */
  readonly tokens: number[];
  readonly seen: Set<number>;
  readonly channel: TokenChannel;
  /** Lanes that start from its first logits: the other answers of its request. */
  branches: Lane[];
  finish: FinishReason | undefined;
  /** Its keys and values, while it runs. */
  sequence: KvSequence | undefined;
}

/** A lane in the batch. */
export interface RunningLane extends Lane {
  sequence: KvSequence;
}

/** The order in which lanes run: by priority, then by arrival. */
export const byTurn = (a: Lane, b: Lane): number => b.priority - a.priority || a.order - b.order;

/** Whether the answer is complete after its last token; sets why. */
export function endOf(lane: Lane): FinishReason | undefined {
  if (lane.tokens.length <= lane.request.prompt.length) return undefined;
  if (lane.endTokens.includes(lane.tokens.at(-1)!)) return 'stop';
  return lane.tokens.length >= lane.most ? 'length' : undefined;
}
