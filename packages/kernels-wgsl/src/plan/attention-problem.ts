import { type DType, type Tensor, UnsupportedError } from '@heed/core';
import { fail, poolDType, show } from '@heed/core/kernel';
import {
  checkFormat,
  checkHeads,
  checkKeyValue,
  checkKvBatch,
  keyOperands,
  type Operand,
} from '../api/check-operands.ts';
import { checkFlag, checkNumSplits } from '../api/check-options.ts';
import type { AttentionOptions, VarlenLayout } from '../host/attention-options.ts';
import type { ProblemFacts } from '../select/problem-facts.ts';
import { alibi } from '../text/hooks/alibi.ts';
import { band } from '../text/hooks/band.ts';
import { softcap } from '../text/hooks/softcap.ts';
import { type VariantHooks, variantHooks } from '../text/parts/hook.ts';
import type { FloatType, KeyType } from '../text/parts/kinds.ts';

/**
 * What a plan is made for: everything that selects a kernel. Lengths, scale, softcap, window and causal values, slopes and
 * sinks are data of a run, so none of them needs another plan; shapes matter only through their head dims, the head
 * ratio, and, with `numSplits: 'auto'`, their sizes.
 */
export interface AttentionProblem {
  readonly layout: 'dense' | 'varlen' | 'paged';
  /** Of q and out; default 'f32'. */
  readonly dtype?: FloatType;
  /** Of k and v; default `dtype`. Quantised pages have a `format` in its place. */
  readonly kvDtype?: FloatType;
  /** [B, Hq, Lq, Dqk], or packed [Tq, Hq, Dqk]. */
  readonly q: readonly number[];
  /**
   * [B, Hkv, Lk, Dqk], packed [Tk, Hkv, Dqk], or paged [pages, pageSize, Hkv, Dqk]; of quantised pages the shape of the u32
   * tensor.
   */
  readonly k: readonly number[];
  /** As k, with Dv; default the shape of k. */
  readonly v?: readonly number[];
  /** As in VarlenLayout: quantised pages need all three. A run need not repeat them. */
  readonly format?: KeyType;
  readonly headDim?: number;
  readonly headDimV?: number;
  /** Sequences of a packed batch, for the split heuristic; default 1. */
  readonly sequences?: number;
  readonly softcap?: boolean;
  readonly alibi?: boolean;
  /** With `backward`: sinks have a gradient of their own to be warmed up. */
  readonly sinks?: boolean;
  /** Accepted for the record: no kernel depends on these. */
  readonly causal?: boolean;
  readonly window?: boolean;
  readonly returnLse?: boolean;
  readonly seqUsedK?: boolean;
  readonly numSplits?: number | 'auto';
  /** Whether a run is to have a gradient, as `attentionVjp` has; default false. */
  readonly backward?: boolean;
}

/** What a plan runs on: the tensors, and the values of the options that its problem named. */
export interface AttentionTensors extends AttentionOptions, Partial<VarlenLayout> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** The problem as written by a caller of planAttention. */
export function factsOfProblem(
  p: AttentionProblem,
  hooks: VariantHooks = problemHooks(p),
): ProblemFacts {
  const dense = p.layout === 'dense';
  const paged = p.layout === 'paged';
  const v = p.v ?? p.k;
  return {
    dtype: p.dtype ?? 'f32',
    kvDtype: keyType(p),
    headDim: p.q.at(-1)!,
    headDimV: p.headDimV ?? v.at(-1)!,
    lengths: dense ? 'dense' : 'varlen',
    keys: paged ? 'paged' : 'strided',
    qHeads: p.q[1]!,
    kvHeads: p.k[paged ? 2 : 1]!,
    batch: dense ? p.q[0]! : (p.sequences ?? 1),
    seqlenQ: p.q[dense ? 2 : 0]!,
    seqlenK: dense ? p.k[2]! : shareOf(p) * (paged ? p.k[1]! : 1),
    hooks,
    numSplits: p.numSplits ?? 'auto',
  };
}

/** Pages or packed rows of a sequence, if all have the same. */
function shareOf({ k, sequences = 1 }: AttentionProblem): number {
  return Math.ceil(k[0]! / Math.max(sequences, 1));
}

function keyType({ format, kvDtype, dtype }: AttentionProblem): KeyType {
  return format ?? kvDtype ?? dtype ?? 'f32';
}

/** The dtype of the tensors k and v. */
export function keyDtype(p: AttentionProblem): DType {
  return poolDType(keyType(p));
}

/** The hooks that the problem's options stand for. */
export function problemHooks(p: AttentionProblem): VariantHooks {
  const scores = [p.softcap && softcap, p.alibi && alibi];
  return variantHooks([...scores.filter((hook) => typeof hook === 'object'), band]);
}

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
