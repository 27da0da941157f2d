import type { CallerLists } from '@heed/flex';
import { generate, type NdArray } from '../reference/nd-array.ts';
import { random } from '../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../reference/reference-problem.ts';
import { place, type Scope, uploadArray } from './case-tensors.ts';

/** Blocks that lists name. */
export interface ListedBlocks {
  readonly size: readonly [q: number, k: number];
  /** [B, H, rows, columns], sizes 1 of B and H broadcast: 0 in no list, 1 partial, 2 full. */
  readonly classes: NdArray;
}

/** Returns blocks of random classes. */
export function randomBlocks(
  size: ListedBlocks['size'],
  shape: readonly [B: number, H: number, rows: number, columns: number],
  seed: number,
): ListedBlocks {
  const source = random(seed);
  return { size, classes: generate(shape, () => source.below(3)) };
}

/** Returns a problem whose mask is that of lists: all pairs of full blocks, and those that the maskMod shows in partial ones. */
export function withLists<P extends ReferenceProblem>(
  problem: P,
  blocks: ListedBlocks,
): P & { readonly blocks: ListedBlocks } {
  const { maskMod: inner, align = 'end' } = problem.options;
  const [blockM, blockN] = blocks.size;
  const maskMod: typeof inner = (b, h, q, kv, info) => {
    const row = Math.floor((q - (align === 'end' ? info.kvLen - info.qLen : 0)) / blockM);
    const kind = classAt(blocks, b, h, row, Math.floor(kv / blockN));
    return kind === 2 || (kind === 1 && (inner?.(b, h, q, kv, info) ?? true));
  };
  return { ...problem, options: { ...problem.options, maskMod }, blocks };
}

function classAt(
  { classes: { shape, data } }: ListedBlocks,
  b: number,
  h: number,
  row: number,
  column: number,
): number {
  const [batch, heads, rows, columns] = shape as [number, number, number, number];
  if (row >= rows || column >= columns) return 0;
  return data[(((b % batch) * heads + (h % heads)) * rows + row) * columns + column]!;
}

// Columns that there are not; the kernel must pass over them.
const nowhere = [-1, 1 << 20, -(2 ** 31)];

/**
 * Uploads the lists in an awkward form: falling order, one block named twice, full blocks named as partial too, columns that
 * there are not, and the blocks of another row after the end of a list.
 */
export function uploadLists(scope: Scope, { classes }: ListedBlocks): CallerLists {
  const [batch, heads, rows, columns] = classes.shape as [number, number, number, number];
  const most = columns + nowhere.length + 2;
  const listsOf = (isNamed: (class_: number) => boolean): [counts: NdArray, indices: NdArray] => {
    const lists = Array.from({ length: batch * heads * rows }, (_, row) => {
      const named = Array.from({ length: columns }, (_1, column) => column).filter((column) =>
        isNamed(classes.data[row * columns + column]!),
      );
      return [...nowhere, ...named.toReversed(), ...named.slice(0, 1)];
    });
    const counts = generate([batch, heads, rows], (row) => lists[row]!.length);
    const indices = generate([batch, heads, rows, most], (at) => {
      const list = lists[Math.floor(at / most)]!;
      return list[at % most] ?? at % columns;
    });
    return [counts, indices];
  };
  const uploaded = ([counts, indices]: [counts: NdArray, indices: NdArray]) =>
    [
      uploadArray(scope, counts, 'i32'),
      // One row of entries is a column of memory.
      place(scope, indices, 'i32', 'reversed'),
    ] as const;
  const [kvNumBlocks, kvIndices] = uploaded(listsOf((class_) => class_ > 0));
  const [fullKvNumBlocks, fullKvIndices] = uploaded(listsOf((class_) => class_ === 2));
  return { kvNumBlocks, kvIndices, fullKvNumBlocks, fullKvIndices };
}
