import { UnsupportedError } from '@heed/core';
import { fail, show } from '@heed/core/kernel';
import { checkFormat, keyOperands } from '../api/checks/format.ts';
import { checkFlag, checkNumSplits } from '../api/checks/options.ts';
import { checkHeads, checkKeyValue, checkKvBatch, type Operand } from '../api/checks/shapes.ts';
import { type AttentionProblem, keyDtype } from './problem.ts';

const RANKS = { dense: [4, 4], varlen: [3, 3], paged: [3, 4] } as const;

const FLAGS = [
  'softcap',
  'alibi',
  'sinks',
  'causal',
  'window',
  'returnLse',
  'seqUsedK',
  'backward',
] as const;

/** A problem that no call could have is refused when the plan is made. */
export function checkProblem(p: AttentionProblem, fn = 'planAttention'): void {
  const ranks =
    typeof p?.layout === 'string' && Object.hasOwn(RANKS, p.layout) ? RANKS[p.layout] : undefined;
  if (!ranks) {
    const rule = "layout must be 'dense', 'varlen' or 'paged'";
    fail(fn, rule, show(p?.layout), 'Paged keys have a block table.');
  }
  const { q: qShape, k: kShape, v: vShape = kShape, sequences } = p;
  checkShape(fn, 'q', qShape, ranks[0]);
  checkShape(fn, 'k', kShape, ranks[1]);
  checkShape(fn, 'v', vShape, ranks[1]);
  checkType(fn, 'dtype', p.dtype);
  checkType(fn, 'kvDtype', p.kvDtype);
  checkNumSplits(fn, p.numSplits);
  if (sequences !== undefined && !isCount(sequences)) {
    fail(fn, 'sequences must be a count', show(sequences), 'Leave it out if it is not known.');
  }
  for (const name of FLAGS) checkFlag(fn, name, p[name]);
  const type = checkFormat(fn, p.format, p.layout === 'paged');
  if (p.backward && type !== undefined) {
    throw new UnsupportedError(
      `${fn}: ${type} pages have no gradient. Leave backward out, or use f32 or f16 pages.`,
    );
  }
  if (p.kvDtype !== undefined && p.kvDtype !== (p.format ?? p.kvDtype)) {
    fail(fn, `kvDtype must be the format, '${p.format}'`, show(p.kvDtype), 'Leave kvDtype out.');
  }
  const operand = (shape: readonly number[]): Operand => ({ shape, dtype: keyDtype(p) });
  const [q, k, v] = [operand(qShape), operand(kShape), operand(vShape)];
  checkKeyValue(fn, k, v);
  const operands = { q, ...keyOperands(fn, { q, k, v }, type, p) };
  checkHeads(fn, operands, p.layout === 'paged' ? 2 : 1);
  if (p.layout === 'dense') checkKvBatch(fn, q, k);
}

function checkShape(fn: string, name: string, shape: unknown, rank: number): void {
  if (Array.isArray(shape) && shape.length === rank && shape.every(isCount)) return;
  const fix = 'Shapes are as in the call that the plan is for.';
  fail(fn, `${name} must be a shape of rank ${rank}`, show(shape), fix);
}

function checkType(fn: string, name: string, type: unknown): void {
  if (type === undefined || type === 'f32' || type === 'f16') return;
  fail(fn, `${name} must be 'f32' or 'f16'`, show(type), 'Leave it out for f32.');
}

function isCount(n: unknown): boolean {
  return Number.isSafeInteger(n) && (n as number) >= 0;
}
