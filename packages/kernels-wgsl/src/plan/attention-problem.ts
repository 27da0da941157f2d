import { type Gpu, type Tensor } from '@heed/core';
import { fail, floatTypes, formatShape, poolDType, shapeTensor, show } from '@heed/core/kernel';
import { checkFormat, keyOperands, type Operand } from '../api/check-operands.ts';
import {
  type AttentionOptions,
  checkFlags,
  type OptionFlags,
  sampleOptions,
  type VarlenLayout,
} from '../host/attention-options.ts';
import { checkFlag, type MakeTensor } from '../host/options/attention-option.ts';
import type { FloatType, KeyType } from '../text/parts/kinds.ts';

/**
 * Input of a plan: everything that selects a kernel. Lengths, scale, softcap, window and causal values, ALiBi slopes and
 * sinks are data of a run, so none of them needs another plan. Shapes matter only through their head dims, the head
 * ratio and, with `numSplits: 'auto'`, their sizes.
 */
export interface AttentionProblem extends OptionFlags {
  readonly layout: 'dense' | 'varlen' | 'paged';
  /** Element type of q and out; default 'f32'. */
  readonly dtype?: FloatType;
  /** [B, Hq, Lq, Dqk], or packed [Tq, Hq, Dqk]. */
  readonly q: readonly number[];
  /**
   * [B, Hkv, Lk, Dqk], packed [Tk, Hkv, Dqk], or paged [pages, pageSize, Hkv, Dqk]; for quantised pages, the shape of the u32
   * tensor.
   */
  readonly k: readonly number[];
  /** Shape of v: as k, with Dv; default: the shape of k. */
  readonly v?: readonly number[];
  /** Element type of k and v; default `dtype`. Quantised pages have 'int8' or 'int4', with headDim and headDimV. A run need not repeat them. */
  readonly format?: KeyType;
  readonly headDim?: number;
  readonly headDimV?: number;
  /**
   * Shape of `selectedKeys`, if runs pass it: [B or 1, heads, Lq, K], packed [Tq, heads, K]. Whether heads is Hq, and
   * `selectedBlockSize`, select the kernel; K and the other sizes matter only with `numSplits: 'auto'`.
   */
  readonly selectedKeys?: readonly number[];
  /** Number of keys that an entry of `selectedKeys` names; default 1. A run need not repeat it. */
  readonly selectedBlockSize?: number;
  /** Sequences of a packed batch, for the split heuristic; default 1. */
  readonly sequences?: number;
  readonly numSplits?: number | 'auto';
  /**
   * Whether v is the first columns of k, `k.slice(-1, 0, Dv)`, as in multi-head latent attention: decoding then reads the memory once.
   * Results are the same. Runs must pass v as that slice; default false.
   */
  readonly sharedKv?: boolean;
  /** Whether runs return a `backward`, as `attentionVjp` does; default false. */
  readonly backward?: boolean;
}

/** Input of a run: the tensors, and values for the options that the plan's problem named. */
export interface AttentionTensors extends AttentionOptions, Partial<VarlenLayout> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Returns tensors and options for one call of a problem. Packed sequences have equal lengths, and use all of their keys. */
export function tensorsOfProblem(p: AttentionProblem, make: MakeTensor): AttentionTensors {
  const { dtype = 'f32' } = p;
  const kDtype = poolDType(p.format ?? dtype);
  const k = make('k', p.k, kDtype);
  const vShape = p.v ?? p.k;
  const sampled = { qHeads: p.q[1]!, causal: p.causal === true };
  return {
    q: make('q', p.q, dtype),
    k,
    v: p.sharedKv ? k.slice(-1, 0, vShape.at(-1)!) : make('v', vShape, kDtype),
    numSplits: p.numSplits ?? 'auto',
    ...(p.selectedKeys && { selectedKeys: make('selectedKeys', p.selectedKeys, 'i32') }),
    ...sampleOptions(p, sampled, make),
    ...lengthsOf(p),
  };
}

function lengthsOf({ layout, q, k, sequences = 1 }: AttentionProblem): Partial<AttentionTensors> {
  const cumulative = (total: number): Int32Array =>
    Int32Array.from({ length: sequences + 1 }, (_, i) => Math.floor((i * total) / sequences));
  if (layout === 'dense') return {};
  if (layout === 'varlen') {
    return { cuSeqlensQ: cumulative(q[0]!), cuSeqlensK: cumulative(k[0]!) };
  }
  const [pages, pageSize] = k as [number, number];
  const perSequence = Math.ceil(pages / Math.max(sequences, 1));
  return {
    cuSeqlensQ: cumulative(q[0]!),
    seqUsedK: new Int32Array(sequences).fill(perSequence * pageSize),
    blockTable: Int32Array.from({ length: sequences * perSequence }, (_, i) => i % pages),
  };
}

/** Returns the tensors of a problem without memory: a call of them can select kernels but not run. */
export function shapeTensors(gpu: Gpu, problem: AttentionProblem): AttentionTensors {
  return tensorsOfProblem(problem, (_, shape, dtype) => shapeTensor(gpu, shape, dtype));
}

const RANKS = { dense: [4, 4], varlen: [3, 3], paged: [3, 4] } as const;

/** Checks the fields of a problem that a call does not have; the rest is checked by making a call with its shapes. */
export function checkProblem(p: AttentionProblem, fn: string): void {
  const ranks =
    typeof p?.layout === 'string' && Object.hasOwn(RANKS, p.layout) ? RANKS[p.layout] : undefined;
  if (!ranks) {
    const rule = "layout must be 'dense', 'varlen' or 'paged'";
    fail(fn, rule, show(p?.layout), 'Paged keys have a block table.');
  }
  const { q, k, v = k, sequences } = p;
  checkShape(fn, 'q', q, ranks[0]);
  checkShape(fn, 'k', k, ranks[1]);
  checkShape(fn, 'v', v, ranks[1]);
  if (p.selectedKeys !== undefined) checkShape(fn, 'selectedKeys', p.selectedKeys, ranks[0]);
  checkType(fn, 'dtype', p.dtype);
  if (sequences !== undefined && !isCount(sequences)) {
    fail(fn, 'sequences must be a count', show(sequences), 'Leave it out if it is not known.');
  }
  checkFlags(fn, p);
  for (const name of ['sharedKv', 'backward'] as const) checkFlag(fn, name, p[name]);
  if (p.sharedKv && !v.every((n, i) => (i < v.length - 1 ? n === k[i] : n <= k[i]!))) {
    const fix = `Pass v as k's shape with the columns that are values.`;
    fail(fn, 'with sharedKv, v must be the first columns of k', formatShape(v), fix);
  }
  const type = checkFormat(fn, p.format, p.layout === 'paged');
  if (p.layout !== 'dense') return;
  // Dense calls have no page options, so the format and head dims of the problem are checked here.
  const dtype = p.format ?? p.dtype ?? 'f32';
  const operand = (shape: readonly number[]): Operand => ({ shape, dtype: dtype as FloatType });
  keyOperands(fn, { q: operand(q), k: operand(k), v: operand(v) }, type, p, type);
}

function checkShape(fn: string, name: string, shape: unknown, rank: number): void {
  if (Array.isArray(shape) && shape.length === rank && shape.every(isCount)) return;
  const fix = 'Shapes are as in the call that the plan is for.';
  fail(fn, `${name} must be a shape of rank ${rank}`, show(shape), fix);
}

function checkType(fn: string, name: string, type: unknown): void {
  if (type === undefined || floatTypes.includes(type as FloatType)) return;
  fail(fn, `${name} must be 'f32', 'f16' or 'bf16'`, show(type), 'Leave it out for f32.');
}

function isCount(n: unknown): boolean {
  return Number.isSafeInteger(n) && (n as number) >= 0;
}
