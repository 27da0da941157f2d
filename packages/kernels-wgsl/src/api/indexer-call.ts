import type { PagedKvView, Tensor } from '@heed/core';
import { checkTensor, fail, floatTypes, formatShape, show } from '@heed/core/kernel';
import type { VarlenLayout } from '../host/attention-options.ts';
import type { Call } from '../host/attention-call.ts';
import type { BoundHook } from '../host/options/attention-option.ts';
import type { BandOption } from '../host/options/visible-band.ts';
import type { TopKeysCall } from '../host/key-lists.ts';
import { keyCall } from './key-call.ts';

/** Options of an indexer, whatever scores and masks it has. */
export interface IndexerOptions extends Partial<VarlenLayout> {
  /** Entries per row, from 1 on. */
  readonly topK: number;
  /** Factor of each head's score: f32, f16 or bf16 [B, Hi, Lq], or packed [Tq, Hi]; default 1. */
  readonly weights?: Tensor;
  /** Entries name blocks of this many keys, whose score is the largest among their visible keys; default 1. */
  readonly blockSize?: number;
  /** Which corner the diagonal is tied to: 'end' (default) or 'start', as in attention. */
  readonly align?: 'start' | 'end';
}

// Positions and their sums stay within an i32.
const MOST = 2 ** 29;

/**
 * Checks a call of `topKeys`, before any GPU work.
 * @param given hooks of a variant, in place of causal and window; its score hooks replace relu
 */
export function indexerCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  options: IndexerOptions & BandOption,
  given?: readonly BoundHook[],
): TopKeysCall {
  const { topK, weights, blockSize = 1, ...layout } = options;
  checkCount(fn, 'topK', topK, 'Pass the number of keys that a row may see.');
  checkCount(fn, 'blockSize', blockSize, 'Leave it out for entries that name keys.');
  const call = keyCall(fn, q, k, layout, given);
  if (call.qHeads < 1) {
    const fix = 'Pass q as [B, Hi, Lq, Di] or [Tq, Hi, Di].';
    fail(fn, 'q must have at least one head', formatShape(q.shape), fix);
  }
  if (call.kvHeads !== 1) {
    const fix = 'Pass the keys of the indexer, or one head of k: k.slice(axis, h, h + 1).';
    fail(fn, 'k must have one head, which all heads of q share', `${call.kvHeads} heads`, fix);
  }
  if (weights !== undefined) checkWeights(call, weights);
  return { call, topK, weights, blockSize };
}

function checkCount(fn: string, name: string, n: unknown, fix: string): void {
  if (Number.isInteger(n) && (n as number) >= 1 && (n as number) <= MOST) return;
  fail(fn, `${name} must be an integer from 1 to ${MOST}`, show(n), fix);
}

function checkWeights({ fn, gpu, lengths, batch, qHeads, seqlenQ }: Call, weights: Tensor): void {
  const shape = lengths === 'dense' ? [batch, qHeads, seqlenQ] : [seqlenQ, qHeads];
  checkTensor(fn, 'weights', weights, { rank: shape.length, dtype: floatTypes, gpu });
  if (shape.every((n, axis) => n === weights.shape[axis])) return;
  const fix = 'Pass one weight per head and query row.';
  fail(fn, `weights must be ${formatShape(shape)}`, formatShape(weights.shape), fix);
}
