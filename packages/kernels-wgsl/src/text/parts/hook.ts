import type { ParamField } from './params.ts';

/**
 * The variant-hook contract: what turns plain attention into a variant of it. Built-in options are instances of it, and
 * compiled user functions become instances of it.
 *
 * A hook is WGSL text that declares functions; the kernel calls them by name. It may read
 * - `params.<field>` for the fields that it lists,
 * - `captures[i]` (words: u32, to be bitcast or unpacked) at offsets that it gets through such fields,
 * - the two structs that every kernel declares:
 *   `Row { batch, head, query, q_row, q_len, k_row, k_len: i32, <constants> }`, where `query` is the logical position i + off, and
 *   `Span { batch, head_first, head_last, query_first, query_last, key_first, key_last, q_len, k_len: i32 }`, all inclusive,
 * - `kv_row(row: Row, key: i32) -> i32`, the key's row in packed or physical paged memory.
 */
export interface Hook {
  /** A WGSL identifier, unique among the hooks of a kernel. */
  readonly name: string;
  /** Uniform values; their names are unique over all hooks. */
  readonly params: readonly ParamField[];
  /**
   * Values computed once per query row: a field of `Row`, and an expression over `batch`, `head` (u32) and the fields of
   * `row` known by then.
   */
  readonly constants?: readonly RowConstant[];
  /** Declares the functions named below. */
  readonly wgsl: string;
  /** The text is too long to repeat for each score of a tile; paths that would repeat it loop instead. */
  readonly isLong?: boolean;
}

/** A per-row value, kept in a register during the loop over the row's keys. */
export interface RowConstant {
  readonly name: string;
  readonly type: 'f32' | 'i32' | 'u32';
  readonly expression: string;
}

/** Changes scores. Declares `fn score_<name>(score: f32, row: Row, key: i32) -> f32`. */
export interface ScoreHook extends Hook {
  readonly kind: 'score';
  /**
   * Part of the change depends only on the head, the sequence and offset = query − key. The hook then also declares `fn
   * diagonal_<name>(row: Row, offset: i32) -> f32`, and `score_<name>` takes that value as a last argument, so that a kernel
   * may compute it once for several scores. `isLong` describes the hook without its diagonal part.
   */
  readonly hasDiagonal?: boolean;
  /** Derivatives, which backward needs; a hook without them has no gradient. */
  readonly gradient?: HookGradient;
}

/** The derivatives of a score hook. */
export interface HookGradient {
  /** Uniform values besides the hook's own. */
  readonly params: readonly ParamField[];
  /**
   * Declares `fn score_derivative_<name>`, with the parameters of `score_<name>`: the derivative of the result with respect
   * to the score. For read number i, also declares two functions of `(score: f32, row: Row, key: i32)`:
   * `fn partial_<name>_<i>`, the derivative of the result with respect to the element read, and
   * `fn element_<name>_<i> -> u32`, the row-major index of that element.
   */
  readonly wgsl: string;
  /** Whether the derivative with respect to the score can differ from 1. */
  readonly hasScoreDerivative: boolean;
  readonly reads: readonly TableRead[];
}

/** One place where a score hook reads a float table. */
interface TableRead {
  /** Index among the hook's tables. */
  readonly table: number;
  /** All keys of a query row read the same element. */
  readonly isPerRow: boolean;
}

/**
 * Hides keys. Declares
 * - `fn visible_<name>(row: Row, key: i32) -> bool`;
 * - `fn class_<name>(span: Span) -> u32`: EMPTY if no pair of the span is visible, FULL if all are, else PARTIAL.
 *   PARTIAL is always a sound answer;
 * - with `hasRange`, `fn range_<name>(span: Span) -> vec2<i32>`: first visible key and one past the last, for the span's
 *   queries over all keys; it bounds the loop over key tiles.
 */
export interface MaskHook extends Hook {
  readonly kind: 'mask';
  readonly hasRange: boolean;
  /**
   * The classes of blocks are precomputed; the kernel looks them up before it calls `class_<name>`. At most one mask has
   * them.
   */
  readonly hasBlocks?: boolean;
}

/**
 * Drops weights between the softmax and the product with v. Declares `fn is_kept(drop_key: u32, key: i32) -> bool`, the row constant
 * `drop_key: u32`, and the parameter `keep_scale`, by which what is left is multiplied.
 */
export interface DropHook extends Hook {
  readonly kind: 'drop';
}

export type AnyHook = ScoreHook | MaskHook | DropHook;

/** The hooks of one kernel, in order of application. */
export interface VariantHooks {
  /** Equal keys mean equal WGSL; part of the pipeline key. */
  readonly key: string;
  readonly scores: readonly ScoreHook[];
  readonly masks: readonly MaskHook[];
  readonly drop?: DropHook | undefined;
}

const hookKey = (hook: AnyHook): string =>
  'hasBlocks' in hook && hook.hasBlocks ? `${hook.name}(blocks)` : hook.name;

/** Sorts hooks by kind and keeps their order within each kind. */
export function variantHooks(hooks: readonly AnyHook[]): VariantHooks {
  return {
    key: hooks.map(hookKey).join('+') || 'none',
    scores: hooks.filter((hook) => hook.kind === 'score'),
    masks: hooks.filter((hook) => hook.kind === 'mask'),
    drop: hooks.find((hook) => hook.kind === 'drop'),
  };
}

/** Returns score hooks, then mask hooks, then the one that drops weights: the order in which they apply. */
export function allHooks({ scores, masks, drop }: VariantHooks): readonly Hook[] {
  return [...scores, ...masks, ...(drop ? [drop] : [])];
}

export function hasBlocks({ masks }: VariantHooks): boolean {
  return masks.some((mask) => mask.hasBlocks);
}

/** Whether the text of any hook is too long to repeat for each score. */
export function isLong(hooks: readonly Hook[]): boolean {
  return hooks.some((hook) => hook.isLong);
}

/** Whether any score hook has a derivative other than 1. */
export function hasScoreDerivatives({ scores }: VariantHooks): boolean {
  return scores.some(({ gradient }) => gradient?.hasScoreDerivative);
}

/** Returns the names of the hooks that have a diagonal part, in order. */
export function diagonalHooks(scores: readonly ScoreHook[]): readonly string[] {
  return scores.filter(({ hasDiagonal }) => hasDiagonal).map(({ name }) => name);
}

/** Returns the per-row values of all hooks. */
export function rowConstants(hooks: VariantHooks): readonly RowConstant[] {
  return allHooks(hooks).flatMap((hook) => hook.constants ?? []);
}
