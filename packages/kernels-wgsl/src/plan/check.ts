import { UnsupportedError } from '@heed/core';
import { formatShape } from '@heed/core/kernel';
import { fail, show } from '../api/checks/fail.ts';
import type { AttentionProblem } from './problem.ts';

const fn = 'planAttention';
const RANKS = { dense: [4, 4], varlen: [3, 3], paged: [3, 4] } as const;

/** A problem that no call could have is refused when the plan is made. */
export function checkProblem(p: AttentionProblem): void {
  if (p.backward) {
    throw new UnsupportedError(`${fn}: backward is not available yet. Leave it out to plan the forward pass.`);
  }
  const ranks = RANKS[p.layout];
  if (!ranks) fail(fn, "layout must be 'dense', 'varlen' or 'paged'", show(p.layout), 'Paged keys have a block table.');
  checkShape('q', p.q, ranks[0]);
  checkShape('k', p.k, ranks[1]);
  if (p.v !== undefined) checkShape('v', p.v, ranks[1]);
  for (const [name, type] of [['dtype', p.dtype], ['kvDtype', p.kvDtype]] as const) {
    if (type !== undefined && type !== 'f32' && type !== 'f16') fail(fn, `${name} must be 'f32' or 'f16'`, show(type), 'Leave it out for f32.');
  }
  checkHeads(p);
}

function checkShape(name: string, shape: readonly number[], rank: number): void {
  const whole = Array.isArray(shape) && shape.length === rank && shape.every((n) => Number.isInteger(n) && n >= 0);
  if (!whole) fail(fn, `${name} must be a shape of rank ${rank}`, show(shape), 'Shapes are as in the call that the plan is for.');
}

function checkHeads({ layout, q, k, v = k }: AttentionProblem): void {
  const got = `q ${formatShape(q)}, k ${formatShape(k)}, v ${formatShape(v)}`;
  if (q.at(-1) !== k.at(-1)) fail(fn, 'q and k must share the head dim (last dimension)', got, 'Correct the shape of k.');
  for (const d of [q.at(-1)!, v.at(-1)!]) {
    if (d < 1 || d > 256) fail(fn, 'a head dim must be from 1 to 256', got, 'Split wider heads.');
  }
  const [qHeads, kvHeads] = [q[1]!, k[layout === 'paged' ? 2 : 1]!];
  if (kvHeads === 0 || qHeads % kvHeads !== 0) {
    fail(fn, 'the number of query heads must be a multiple of the kv heads', got, 'Correct the head counts.');
  }
}
