import { type NdArray, sameKind, sizeOf } from '../reference/nd-array.ts';
import { permutation, type Random, random } from '../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../reference/reference-problem.ts';
import { selectedOf } from '../reference/selected-lists.ts';
import { headsOf, sequencesOf } from '../reference/sequences.ts';

/** Fills the list of one row. `keys` is the number of blocks of its sequence; `row` numbers the lists. */
export type FillList = (list: Float64Array, keys: number, source: Random, row: number) => void;

/** The contents of lists, by name. */
export const listContents: Readonly<
  Record<'none' | 'every' | 'one' | 'mixed' | 'repeated', FillList>
> = {
  none: (list) => list.fill(-1),
  every: (list, keys) => list.forEach((_, n) => (list[n] = n < keys ? n : -1)),
  one: (list, keys, source) => list.fill(-1).fill(source.below(keys), 3, 4),
  // In any order; −1 between them, and numbers that are no key of the sequence.
  mixed: (list, keys, source) => {
    const order = permutation(keys, source);
    const outside = [-1, keys, keys + 1, 2 ** 31 - 1, -(2 ** 31), 1_000_000];
    list.forEach((_, n) => (list[n] = n % 5 === 3 ? outside[source.below(6)]! : order[n % keys]!));
  },
  repeated: (list, keys, source) =>
    list.forEach((_, n) => (list[n] = n % 3 === 0 ? source.below(keys) : list[n - 1]!)),
};

/** The shape of lists: the heads, the entries, and whether the entries of all batch entries are the same. */
export interface ListSpec {
  readonly heads: number;
  readonly entries: number;
  readonly blockSize?: number;
  readonly isShared?: boolean;
  readonly seed?: number;
}

/** Returns the problem with a list of selected keys for each row. */
export function withLists(
  problem: ReferenceProblem,
  { heads, entries, blockSize = 1, isShared = false, seed = 0 }: ListSpec,
  fill: FillList,
): ReferenceProblem {
  const { q } = problem;
  const [first = 0, , third = 0] = q.shape;
  const isDense = q.shape.length === 4;
  const shape = isDense ? [isShared ? 1 : first, heads, third, entries] : [first, heads, entries];
  const lists = new Float64Array(sizeOf(shape)).fill(-1);
  const source = random(500 + seed);
  for (const sequence of sequencesOf(problem)) {
    if (isShared && sequence.index > 0) break;
    const blocks = Math.ceil(sequence.kvLen / blockSize);
    for (let i = 0; i < sequence.qLen; i++) {
      for (let h = 0; h < heads; h++) {
        const row = sequence.qRow(i);
        const at = isDense ? (sequence.index * heads + h) * third + row : row * heads + h;
        const list = lists.subarray(at * entries, (at + 1) * entries);
        if (blocks > 0) fill(list, blocks, source, at);
      }
    }
  }
  const selectedKeys = { shape, data: lists };
  const options = { ...problem.options, selectedKeys };
  return {
    ...problem,
    options: blockSize === 1 ? options : { ...options, selectedBlockSize: blockSize },
  };
}

/** Overwrites every row of k and v that no list names with `value`. */
export function poisonUnselected(problem: ReferenceProblem, value: number): ReferenceProblem {
  const heads = headsOf(problem);
  const [k, v] = [problem.k, problem.v].map(({ shape, data }) => ({
    shape,
    data: sameKind({ shape, data }, data.length).fill(value),
  })) as [NdArray, NdArray];
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < heads.query; h++) {
      const hkv = Math.floor(h / (heads.query / heads.kv));
      for (let i = 0; i < sequence.qLen; i++) {
        for (const j of selectedOf(problem, sequence, h, i) ?? []) {
          const [kAt, vAt] = [sequence.k(hkv, j), sequence.v(hkv, j)];
          k.data.set(problem.k.data.subarray(kAt, kAt + heads.qk), kAt);
          v.data.set(problem.v.data.subarray(vAt, vAt + heads.v), vAt);
        }
      }
    }
  }
  return { ...problem, k, v };
}
