import type { Tensor } from '@heed/core';
import { checkTensor, fail, formatShape, show } from '@heed/core/kernel';
import { type Axes, rowShapes } from '../../select/row-shapes.ts';
import type { MaskHook } from '../../text/parts/hook.ts';
import type { RowKind } from '../../text/parts/kinds.ts';
import type { AttentionOption, BoundHook, OptionContext } from './attention-option.ts';

export interface SelectedKeysOption {
  /**
   * i32 [B or 1, Hq, Hkv or 1, Lq, K], packed [Tq, Hq, Hkv or 1, K], any strides: a row sees only these positions j of its sequence,
   * and reads no other key. −1 and positions out of range name no key, anywhere in the list; a position named twice counts
   * twice. K is data. Everything else still applies to j: lengths, pages, causal, window, mods and masks.
   */
  readonly selectedKeys?: Tensor;
  /** Entries of `selectedKeys` name blocks of this many keys, from key entry · size on; default 1. */
  readonly selectedBlockSize?: number;
}

export const selectedKeys: AttentionOption<Tensor> = {
  check: (list, name, context) => {
    const { fn, gpu, lengths, batch, qHeads, kvHeads, seqlenQ } = context;
    const { axes, rank } = listAxes(context);
    checkTensor(fn, name, list, { rank, dtype: ['i32'], gpu });
    const { shape } = list;
    const heads = shape[axes.head]!;
    const fits =
      shape[axes.row] === seqlenQ &&
      [qHeads, kvHeads, 1].includes(heads) &&
      (axes.batch === undefined || [batch, 1].includes(shape[axes.batch]!));
    if (fits) return;
    const ofHeads = [...new Set([qHeads, kvHeads, 1])].join(' or ');
    const rule =
      lengths === 'dense'
        ? `${name} must be [${batch === 1 ? '1' : `${batch} or 1`}, ${ofHeads}, ${seqlenQ}, K]`
        : `${name} must be [${seqlenQ}, ${ofHeads}, K]`;
    fail(fn, rule, formatShape(shape), 'Pass one list per query row, for all heads or per head.');
  },
};

// Numbers of keys, and their sums with window sizes, stay within an i32.
const MAX_KEYS = 2 ** 29;

export const selectedBlockSize: AttentionOption<number> = {
  check: (size, name, { fn }) => {
    if (Number.isInteger(size) && size >= 1 && size <= MAX_KEYS) return;
    fail(
      fn,
      `${name} must be a whole number from 1 to ${MAX_KEYS}`,
      show(size),
      'Leave it out for 1.',
    );
  },
};

/** The lists of selected keys of a call. */
export interface SelectedKeys {
  /** i32 [B or 1, heads, Lq, entries], or packed [Tq, heads, entries]. */
  readonly list: Tensor;
  readonly axes: Axes;
  /** Which rows share a list: all query heads of a kv head at one position ('group'), or one row ('head'). */
  readonly rows: RowKind;
  /** K. */
  readonly entries: number;
  /** Number of keys that an entry names. */
  readonly blockSize: number;
}

/**
 * Returns the lists of selected keys of checked options, if there are any.
 * @throws ValidationError a block size without lists, or more keys than can be counted
 */
export function selectedOf(
  context: OptionContext,
  { selectedKeys: list, selectedBlockSize: blockSize }: SelectedKeysOption,
): SelectedKeys | undefined {
  const { fn, qHeads, kvHeads } = context;
  if (list === undefined) {
    if (blockSize === undefined) return undefined;
    const fix = 'Pass the lists of blocks as selectedKeys, or leave it out.';
    fail(fn, 'selectedBlockSize needs selectedKeys', show(blockSize), fix);
  }
  const { axes } = listAxes(context);
  const { shape } = list;
  const size = blockSize ?? 1;
  const entries = shape[axes.dim]!;
  if (entries * size > MAX_KEYS) {
    const got = `${entries} entries of ${size} keys`;
    fail(fn, `selectedKeys may name at most ${MAX_KEYS} keys per row`, got, 'Pass fewer entries.');
  }
  const rows = qHeads > kvHeads && shape[axes.head] === qHeads ? 'head' : 'group';
  return { list, axes, rows, entries, blockSize: size };
}

/** Returns the hooks beside lists of selected keys, if there are any: no mask then uses its blocks, which are blocks of adjacent keys. */
export function hooksBeside(
  selected: SelectedKeys | undefined,
  hooks: readonly BoundHook[],
): readonly BoundHook[] {
  if (!selected) return hooks;
  return hooks.map(({ blocks, ...bound }) =>
    blocks ? { ...bound, hook: { ...bound.hook, hasBlocks: false } as MaskHook } : bound,
  );
}

/** Returns the axes of the lists, which are those of q with the entries in place of the head dim. */
function listAxes({ lengths }: OptionContext): { readonly axes: Axes; readonly rank: number } {
  const { axes } = rowShapes[lengths];
  return { axes, rank: axes.dim + 1 };
}
