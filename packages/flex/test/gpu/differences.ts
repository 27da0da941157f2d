import type { Gpu, Tensor } from '@heed/core';
import type { Score } from './attend.ts';
import { attend, range, type Reference, type Rows } from './attend.ts';
import { type Learnable, nested } from './learnable.ts';
import { RowData } from './rows.ts';

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
