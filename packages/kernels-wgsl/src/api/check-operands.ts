import { type Tensor, UnsupportedError } from '@heed/core';
import {
  checkPageFormat,
  checkRowWords,
  fail,
  formatShape,
  isQuantised,
  MAX_HEAD_DIM,
  type QuantFormat,
  show,
} from '@heed/core/kernel';
import type { VarlenLayout } from '../host/attention-options.ts';

/** The properties that these rules check, of a tensor or of one that a plan expects. */
export type Operand = Pick<Tensor, 'shape' | 'dtype'>;

/** q, k and v of one call. */
interface Operands {
  readonly q: Operand;
  readonly k: Operand;
  readonly v: Operand;
}

// Lengths and their sums with window sizes stay within an i32.
const MAX_LENGTH = 2 ** 29;

/** Checks head dims and head counts; `kvHeads` is the head axis of k and v (q's is 1). */
export function checkHeads(fn: string, { q, k, v }: Operands, kvHeads: number): void {
  const refuse = (rule: string, fix: string): never =>
    fail(
      fn,
      rule,
      `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`,
      fix,
    );
  const [dq, dk, dv] = [q.shape.at(-1)!, k.shape.at(-1)!, v.shape.at(-1)!];
  if (dq !== dk) {
    refuse('q and k must share the head dim (last dimension)', `Pass k with last dimension ${dq}.`);
  }
  for (const [d, fix] of [
    [dq, 'The scores of parts of q and k cannot be put together again.'],
    [dv, 'Call it with each part of v, v.slice(…) of its last axis: columns of out are apart.'],
  ] as const) {
    if (d >= 1 && d <= MAX_HEAD_DIM) continue;
    refuse(`a head dim must be from 1 to ${MAX_HEAD_DIM}`, fix);
  }
  const [hq, hk] = [q.shape[1]!, k.shape[kvHeads]!];
  if (hq > 0 && (hk === 0 || hq % hk !== 0)) {
    const fix = `Pass k and v with a number of heads that divides ${hq}.`;
    refuse('the number of query heads must be a multiple of the kv heads', fix);
  }
}

/**
 * Checks that k and v agree in every dimension but the last.
 * @param sameType whether they must agree in dtype, too
 */
export function checkKeyValue(fn: string, k: Operand, v: Operand, sameType = true): void {
  if (sameType && k.dtype !== v.dtype) {
    const got = `k ${k.dtype}, v ${v.dtype}`;
    fail(fn, 'k and v must share a dtype', got, `Pass both as ${k.dtype}.`);
  }
  for (let i = 0; i < k.shape.length - 1; i++) {
    if (k.shape[i] === v.shape[i]) continue;
    const got = `k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`;
    const fix = `Pass v as ${formatShape([...k.shape.slice(0, -1), v.shape.at(-1)!])}.`;
    fail(fn, 'k and v must agree in all but the head dim', got, fix);
  }
}

/** Checks that dense k and v have the batch size of q, or 1. */
export function checkKvBatch(fn: string, q: Operand, k: Operand): void {
  const [batch, kvBatch] = [q.shape[0], k.shape[0]];
  if (kvBatch === batch || kvBatch === 1) return;
  const rule = 'k and v must have the batch of q, or batch 1 to serve all of it';
  const got = `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}`;
  fail(fn, rule, got, `Pass k with batch ${batch}.`);
}

export function checkLengthLimit(fn: string, name: string, length: number): void {
  if (length <= MAX_LENGTH) return;
  const fix = 'Split the call and use mergeStates.';
  fail(fn, `${name} may be at most ${MAX_LENGTH}`, String(length), fix);
}

/**
 * @returns the format if it is quantised, else undefined
 * @throws UnsupportedError a quantised format without pages
 */
export function checkFormat(
  fn: string,
  given: unknown = 'f32',
  isPaged: boolean,
): QuantFormat | undefined {
  const format = checkPageFormat(fn, 'format', given, 'Leave it out for float keys.');
  if (!isQuantised(format)) return undefined;
  if (isPaged) return format;
  throw new UnsupportedError(
    `${fn}: format '${format}' needs paged keys (blockTable): the scale of each row is stored in the page. Pass pages, or keys in f32, f16 or bf16.`,
  );
}

/**
 * @param type the quantised format of the keys
 * @returns the format of the values if it is quantised, else undefined
 * @throws ValidationError another format than the keys', without pages
 */
export function checkFormatV(
  fn: string,
  { formatV, format }: Layout,
  type: QuantFormat | undefined,
  isPaged: boolean,
): QuantFormat | undefined {
  if (formatV === undefined || formatV === format) return type;
  if (!isPaged) {
    const fix = 'Leave it out: keys and values share a dtype.';
    fail(fn, 'formatV needs paged keys (blockTable)', show(formatV), fix);
  }
  return checkFormat(fn, formatV, isPaged);
}

type Layout = Pick<VarlenLayout, 'format' | 'formatV' | 'headDim' | 'headDimV'>;

/** Refuses u32 keys without a format: the words alone do not determine their encoding. */
export function checkWords(fn: string, type: QuantFormat | undefined, k: Tensor | undefined): void {
  if (type !== undefined || k?.dtype !== 'u32') return;
  const fix = 'Pass format, headDim and headDimV, as in PagedKvView.';
  fail(fn, "k and v in u32 need format 'int8' or 'int4'", 'neither', fix);
}

/** Returns k and v with the head dim as last dimension, also for quantised rows, and checks them against the layout. */
export function keyOperands(
  fn: string,
  { q, k, v }: Operands,
  type: QuantFormat | undefined,
  layout: Layout,
  typeV: QuantFormat | undefined,
): Pick<Operands, 'k' | 'v'> {
  const { format, formatV = format, headDim, headDimV } = layout;
  if (type === undefined) checkRepeated(fn, k, { format, headDim });
  else if (headDim !== q.shape.at(-1)) {
    const rule = `headDim must be the last dimension of q, ${q.shape.at(-1)}, with format '${type}'`;
    fail(fn, rule, show(headDim), 'A row of words does not tell it.');
  }
  if (typeV === undefined) checkRepeated(fn, v, { formatV, headDimV });
  return {
    k: type === undefined ? k : unpacked(fn, 'k', k, type, headDim),
    v: typeV === undefined ? v : unpacked(fn, 'v', v, typeV, headDimV),
  };
}

function unpacked(
  fn: string,
  name: string,
  { shape, dtype }: Operand,
  type: QuantFormat,
  dim: number | undefined,
): Operand {
  if (!Number.isInteger(dim)) {
    const fix = 'A row of words does not tell it.';
    fail(fn, `headDimV is needed with format '${type}'`, show(dim), fix);
  }
  checkRowWords(fn, name, shape, type, dim!);
  return { shape: [...shape.slice(0, -1), dim!], dtype };
}

/** Checks that the format and head dim given for float keys or values agree with them. */
function checkRepeated(
  fn: string,
  { shape, dtype }: Operand,
  given: { readonly [Name in keyof Layout]: Layout[Name] | undefined },
): void {
  for (const [name, value] of Object.entries(given)) {
    const actual = name.startsWith('format') ? dtype : shape.at(-1);
    if (value === undefined || value === actual) continue;
    const rule = `${name} must be what k and v have, ${actual}`;
    fail(fn, rule, show(value), 'Leave it out for float keys.');
  }
}
