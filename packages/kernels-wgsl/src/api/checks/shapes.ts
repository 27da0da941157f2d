import type { Tensor } from '@heed/core';
import { formatShape } from '@heed/core/kernel';
import { fail } from './fail.ts';

const MAX_HEAD_DIM = 256;
/** Lengths and their sums with window sizes stay within an i32. */
const MAX_LENGTH = 2 ** 29;

/** Head dims and head counts of q, k, v, wherever the layout has them. */
export function checkHeads(
  fn: string,
  { q, k, v }: { q: Tensor; k: Tensor; v: Tensor },
  axes: { heads: number; kvHeads: number },
): void {
  const got = `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`;
  const [dq, dk, dv] = [q.shape.at(-1)!, k.shape.at(-1)!, v.shape.at(-1)!];
  if (dq !== dk) fail(fn, 'q and k must share the head dim (last dimension)', got, `Pass k with last dimension ${dq}.`);
  for (const d of [dq, dv]) {
    if (d < 1 || d > MAX_HEAD_DIM) fail(fn, `a head dim must be from 1 to ${MAX_HEAD_DIM}`, got, 'Split wider heads.');
  }
  const [hq, hk, hv] = [q.shape[axes.heads]!, k.shape[axes.kvHeads]!, v.shape[axes.kvHeads]!];
  if (hk !== hv) fail(fn, 'k and v must have the same number of heads', got, `Pass v with ${hk} heads.`);
  if (hq > 0 && (hk === 0 || hq % hk !== 0)) {
    fail(fn, 'the number of query heads must be a multiple of the kv heads', got, `${hq} query heads go with ${divisors(hq)} kv heads.`);
  }
}

/** k and v agree in dtype and in every dimension but the last. */
export function checkKeyValue(fn: string, k: Tensor, v: Tensor): void {
  if (k.dtype !== v.dtype) fail(fn, 'k and v must share a dtype', `k ${k.dtype}, v ${v.dtype}`, `Pass both as ${k.dtype}.`);
  const same = k.shape.slice(0, -1).every((n, i) => n === v.shape[i]);
  if (!same) {
    fail(
      fn,
      'k and v must agree in all but the head dim',
      `k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`,
      `Pass v as ${formatShape([...k.shape.slice(0, -1), v.shape.at(-1)!])}.`,
    );
  }
}

export function checkLengthLimit(fn: string, name: string, length: number): void {
  if (length > MAX_LENGTH) {
    fail(fn, `${name} may be at most ${MAX_LENGTH}`, String(length), 'Split the call and use mergeStates.');
  }
}

function divisors(n: number): string {
  const all = Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
  return all.join(', ').replace(/, (\d+)$/, ' or $1');
}
