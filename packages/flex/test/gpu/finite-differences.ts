import type { Gpu, Tensor } from '@heed/core';
import type { ScoreMod, Table } from '../../src/index.ts';
import type { Table as HostTable } from '../programs/library.ts';
import { attend, range, type Reference, type Rows, type Score } from './attend.ts';
import { RowData } from './flex-data.ts';

/** A score mod and what it captures. */
export interface Learnable {
  readonly scoreMod: ScoreMod;
  readonly tables: Readonly<Record<string, HostTable>>;
}

/** Eighths, which f16 holds too. */
const float = (shape: readonly number[], dtype: 'f32' | 'f16' = 'f32'): HostTable => ({
  shape,
  dtype,
  data: Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => ((i * 29 + 7) % 23) / 8 - 1.25,
  ),
});

type TablesOf<N extends string> = Record<N, Tensor>;

const learnableOf = <N extends string>(
  tables: Record<N, HostTable>,
  scoreMod: ScoreMod<TablesOf<NoInfer<N>>>,
): Learnable => ({ tables, scoreMod: scoreMod as unknown as ScoreMod });

const offset: HostTable = {
  shape: [14],
  dtype: 'i32',
  data: [3, 0, 8, 8, 1, -2, 5, 2, 40, 7, 6, 4, 3, 0],
};

/**
 * Learnable biases: all of PyTorch's TestLearnableBiases (test/inductor/test_flex_attention.py), where the symmetric one is refused, for up to 2 entries, 4 heads,
 * and 14 positions and keys; some tables are smaller, so that indices clamp.
 */
export const learnables: Readonly<Record<string, Learnable>> = {
  'relative 1d': learnableOf(
    { bias: float([27]) },
    (s, b, h, q, kv, c) => s + c.bias[q - kv + 13]!,
  ),
  'by distance': learnableOf(
    { bias: float([28]) },
    (s, b, h, q, kv, c) => s + c.bias[Math.abs(q - kv)]!,
  ),
  'absolute 2d': learnableOf({ bias: float([14, 14]) }, (s, b, h, q, kv, c) => s + c.bias[q]![kv]!),
  'head-specific': learnableOf(
    { bias: float([4, 5, 14]) },
    (s, b, h, q, kv, c) => s + c.bias[h]![q]![kv]!,
  ),
  'batch-head': learnableOf(
    { bias: float([2, 4, 3, 14]) },
    (s, b, h, q, kv, c) => s + c.bias[b]![h]![q >> 2]![kv]!,
  ),
  multiplicative: learnableOf({ bias: float([14]) }, (s, b, h, q, kv, c) => s * c.bias[q]!),
  'local window with clamp': learnableOf(
    { bias: float([9]) },
    (s, b, h, q, kv, c) => s + c.bias[Math.min(Math.max(q - kv + 4, 0), 8)]!,
  ),
  'global tokens': learnableOf({ bias: float([5]) }, (s, b, h, q, kv, c) =>
    kv < 5 ? s + c.bias[kv]! : s,
  ),
  indirect: learnableOf(
    { bias: float([9]), offset },
    (s, b, h, q, kv, c) => s * 0.5 + s * c.bias[c.offset[q]!]!,
  ),
  flipped: learnableOf({ bias: float([14, 14]) }, (s, b, h, q, kv, c) => s + c.bias[kv]![q]!),
  'one of several, by a scalar': learnableOf(
    { bias: float([2, 4, 3, 14]), which: { shape: [], dtype: 'i32', data: [1] } },
    (s, b, h, q, kv, c) => s + c.bias[b]![h]![c.which]![q]! * (kv & 3),
  ),
  'head gate': learnableOf(
    { gate: float([4]) },
    (s, b, h, q, kv, c) => s / (1 + Math.exp(0 - c.gate[h]!)),
  ),
  'two distinct': learnableOf(
    { rows: float([4, 14]), keys: float([14]) },
    (s, b, h, q, kv, c) => s * c.rows[h]![q]! + c.keys[kv]!,
  ),
  symmetric: learnableOf(
    { bias: float([14]) },
    (s, b, h, q, kv, c) => s + c.bias[q]! - c.bias[kv]!,
  ),
  'the same one twice': learnableOf(
    { bias: float([14]) },
    (s, b, h, q, kv, c) => s + c.bias[q]! * c.bias[kv]!,
  ),
  'a scalar': learnableOf(
    { scale: float([]) },
    (s, b, h, q, kv, c) => s * c.scale + Math.exp(c.scale) * (kv & 1),
  ),
  f16: learnableOf({ bias: float([4, 14], 'f16') }, (s, b, h, q, kv, c) => s + c.bias[h]![kv]!),
  broadcast: learnableOf(
    { bias: float([1, 4, 1, 14]) },
    (s, b, h, q, kv, c) => s + c.bias[b]![h]![q]![kv]!,
  ),
  'by the score itself': learnableOf(
    { bias: float([6]) },
    (s, b, h, q, kv, c) => s * 0.5 + c.bias[Math.floor(2 * s) + 3]! * s,
  ),
  'branches with −Infinity': learnableOf(
    { near: float([4]), far: float([14]) },
    (s, b, h, q, kv, c) => {
      if (q < kv) return -Infinity;
      return q - kv < 4 ? Math.tanh(s * c.near[h]!) : s - c.far[kv]! * c.far[q]!;
    },
  ),
};

/** The table as the plain function reads it: nested arrays whose indices clamp. */
function nested(shape: readonly number[], data: ArrayLike<number>, first = 0): Table {
  const [size, ...inner] = shape;
  if (size === undefined) return data[first]! as Table;
  const step = inner.reduce((a, b) => a * b, 1);
  const elements = Array.from({ length: size }, (_, i) => nested(inner, data, first + i * step));
  const at = (i: number): Table => elements[Math.min(Math.max(i, 0), size - 1)]!;
  return new Proxy(elements, { get: (_, key) => at(Number(key)) }) as unknown as Table;
}

/** A memory layout of 22 query and 28 key rows. */
export interface Layout {
  readonly sequences: readonly Rows[];
  readonly options: object;
  readonly tensors: (data: RowData) => { q: Tensor; k: Tensor; v: Tensor };
}

const cuSeqlensQ = Int32Array.of(0, 9, 9, 20);
const ragged = [range(0, 9), [], range(9, 20)];
const pages = [[5, 1], [], [3, 0, 6]];
const used = [7, 0, 10];

export type Operand = 'q' | 'k' | 'v';

/** Two entries of 11 queries and 14 keys; three sequences, one of them empty; the same over pages of 4. */
export const layouts: Record<'dense' | 'varlen' | 'paged', Layout> = {
  dense: {
    sequences: [0, 1].map((b) => ({
      q: range(11 * b, 11 * b + 11),
      k: range(14 * b, 14 * b + 14),
    })),
    options: {},
    tensors: (data) => data.dense(2),
  },
  varlen: {
    sequences: [range(0, 12), range(12, 15), range(15, 26)].map((k, b) => ({ q: ragged[b]!, k })),
    options: { cuSeqlensQ, cuSeqlensK: Int32Array.of(0, 12, 15, 26) },
    tensors: (data) => data.packed(),
  },
  paged: {
    sequences: ragged.map((q, b) => ({
      q,
      k: range(0, used[b]!).map((kv) => 4 * pages[b]![kv >> 2]! + (kv & 3)),
    })),
    options: {
      cuSeqlensQ,
      seqUsedK: Int32Array.from(used),
      blockTable: Int32Array.of(5, 1, -1, -1, -1, -1, 3, 0, 6),
    },
    tensors: (data) => data.pages(4),
  },
};

/** The numbers of a problem: q, k, v, and the gradient by out. */
export class GradientData {
  readonly inputs: RowData;
  readonly gradient: RowData;

  constructor(gpu: Gpu) {
    this.inputs = new RowData(gpu, 22, 28, 5);
    this.gradient = new RowData(gpu, 22, 28, 6);
  }

  /** The gradient by out, as the layout's out lies. */
  dOut(layout: Layout): Tensor {
    return layout.tensors(this.gradient).q;
  }

  /** Σ dOut·out in float64. */
  loss(layout: Layout, rest: Partial<Reference>): number {
    const { out } = attend({ ...this.inputs.arrays, sequences: layout.sequences, ...rest });
    return out.reduce((sum, x, i) => sum + x * this.gradient.arrays.q[i]!, 0);
  }

  /** A mod as the definition of attention takes it, with these values in place of some tables' own. */
  scoreOf(
    { scoreMod, tables }: Learnable,
    values: Readonly<Record<string, ArrayLike<number>>> = {},
  ): Score {
    const captures = Object.fromEntries(
      Object.entries(tables).map(([name, { shape, data }]) => [
        name,
        nested(shape, values[name] ?? data),
      ]),
    );
    return (s, b, h, q, kv, info) => scoreMod(s, b, h, q, kv, captures, info);
  }

  /** The gradients of the loss by the float tables, by central differences of the plain function. */
  byTables(learnable: Learnable, layout: Layout): Record<string, Float64Array> {
    const wanted = Object.entries(learnable.tables).filter(([, { dtype }]) => dtype !== 'i32');
    return Object.fromEntries(
      wanted.map(([name, { data }]) => {
        const lossAt = (values: Float64Array): number =>
          this.loss(layout, { score: this.scoreOf(learnable, { [name]: values }) });
        return [name, differences(lossAt, data)];
      }),
    );
  }

  /** The slope of the loss along a direction of q, k or v. */
  along(learnable: Learnable, layout: Layout, name: Operand): number {
    const [start, direction] = [this.inputs.arrays[name], this.direction(name)];
    const score = this.scoreOf(learnable);
    const lossAt = ([x]: Float64Array): number => {
      const moved = Float64Array.from(start, (a, i) => a + x! * direction[i]!);
      return this.loss(layout, { score, [name]: moved });
    };
    return differences(lossAt, [0])[0]!;
  }

  direction(name: Operand): ArrayLike<number> {
    return this.gradient.arrays[name];
  }
}

const STEP = 1e-5;

/** The gradient of a function by central differences. */
export function differences(f: (x: Float64Array) => number, at: ArrayLike<number>): Float64Array {
  return Float64Array.from(at, (x, i) => {
    const moved = Float64Array.from(at);
    const fAt = (value: number): number => {
      moved[i] = value;
      return f(moved);
    };
    return (fAt(x + STEP) - fAt(x - STEP)) / (2 * STEP);
  });
}
