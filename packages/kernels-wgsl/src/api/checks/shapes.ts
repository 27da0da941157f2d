import type { Tensor } from '@heed/core';
import { fail, formatShape } from '@heed/core/kernel';

/** What these rules look at: of a tensor, or of one that a plan expects. */
export type Operand = Pick<Tensor, 'shape' | 'dtype'>;

/** q, k and v of one call. */
export interface Operands {
  readonly q: Operand;
  readonly k: Operand;
  readonly v: Operand;
}

const MAX_HEAD_DIM = 256;
// Lengths and their sums with window sizes stay within an i32.
const MAX_LENGTH = 2 ** 29;

/** Head dims and head counts; `kvHeads` is the axis of k and v that counts heads, q's is 1. */
export function checkHeads(fn: string, { q, k, v }: Operands, kvHeads: number): void {
  const refuse = (rule: string, fix: string): never =>
    fail(
      fn,
      rule,
      `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`,
      fix,
    );
  const [dq, dk, dv] = [q.shape.at(-1)!, k.shape.at(-1)!, v.shape.at(-1)!];
  if (dq !== dk) {
    refuse('q and k must share the head dim (last dimension)', `Pass k with last dimension ${dq}.`);
  }
  for (const [d, fix] of [
    [dq, 'The scores of parts of q and k cannot be put together again.'],
    [dv, 'Call it with each part of v, v.slice(…) of its last axis: columns of out are apart.'],
  ] as const) {
    if (d >= 1 && d <= MAX_HEAD_DIM) continue;
    refuse(`a head dim must be from 1 to ${MAX_HEAD_DIM}`, fix);
  }
  const [hq, hk] = [q.shape[1]!, k.shape[kvHeads]!];
  if (hq > 0 && (hk === 0 || hq % hk !== 0)) {
    const fix = `Pass k and v with a number of heads that divides ${hq}.`;
    refuse('the number of query heads must be a multiple of the kv heads', fix);
  }
}

/** k and v agree in dtype and in every dimension but the last. */
export function checkKeyValue(fn: string, k: Operand, v: Operand): void {
  if (k.dtype !== v.dtype) {
    const got = `k ${k.dtype}, v ${v.dtype}`;
    fail(fn, 'k and v must share a dtype', got, `Pass both as ${k.dtype}.`);
  }
  for (let i = 0; i < k.shape.length - 1; i++) {
    if (k.shape[i] === v.shape[i]) continue;
    const got = `k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`;
    const fix = `Pass v as ${formatShape([...k.shape.slice(0, -1), v.shape.at(-1)!])}.`;
    fail(fn, 'k and v must agree in all but the head dim', got, fix);
  }
}

/** Dense k and v serve each batch entry of q, or all of them. */
export function checkKvBatch(fn: string, q: Operand, k: Operand): void {
  const [batch, kvBatch] = [q.shape[0], k.shape[0]];
  if (kvBatch === batch || kvBatch === 1) return;
  const rule = 'k and v must have the batch of q, or batch 1 to serve all of it';
  const got = `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}`;
  fail(fn, rule, got, `Pass k with batch ${batch}.`);
}

export function checkLengthLimit(fn: string, name: string, length: number): void {
  if (length <= MAX_LENGTH) return;
  const fix = 'Split the call and use mergeStates.';
  fail(fn, `${name} may be at most ${MAX_LENGTH}`, String(length), fix);
}
