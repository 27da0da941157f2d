import { extent, ravel } from './nd-array.ts';
import type { ReferenceProblem } from './reference-problem.ts';
import { headsOf, type Sequence } from './sequences.ts';

/**
 * Returns the keys that the list of row `i` of head `h` names, in its order, or undefined if rows have no lists. An entry that is no
 * key of the sequence names none; a key that is named twice is there twice.
 */
export function selectedOf(
  problem: ReferenceProblem,
  sequence: Sequence,
  h: number,
  i: number,
): number[] | undefined {
  const { selectedKeys: lists, selectedBlockSize: size = 1 } = problem.options;
  if (lists === undefined) return undefined;
  const entries = extent(lists, lists.shape.length - 1);
  const first = firstEntry(problem, sequence, h, i);
  const keys: number[] = [];
  for (const block of lists.data.subarray(first, first + entries)) {
    for (let n = 0; n < size; n++) keys.push(block * size + n);
  }
  return keys.filter((j) => j >= 0 && j < sequence.kvLen);
}

/** Returns the flat index of the first entry of a row's list. */
function firstEntry(problem: ReferenceProblem, sequence: Sequence, h: number, i: number): number {
  const { shape } = problem.options.selectedKeys!;
  const heads = headsOf(problem);
  const lists = shape[1]!;
  const head = lists === 1 ? 0 : Math.floor(h / (heads.query / lists));
  const row = sequence.qRow(i);
  if (shape.length === 3) return ravel([row, head, 0], shape);
  return ravel([shape[0] === 1 ? 0 : sequence.index, head, row, 0], shape);
}
