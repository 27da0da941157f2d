import { bytesPerElement, type FloatType } from '../text/dtype.ts';
import { fail, show } from '../text/errors.ts';
import { formatShape } from '../text/shape.ts';

/**
 * Integers with a scale per row. Word 0 of a row is the bits of an f32 scale. Two's complement integers follow, the low part of
 * a word first; zeros fill up the last word. An element is scale · integer.
 */
export type QuantFormat = 'int8' | 'int4';

/** Storage of the keys and values in pages: numbers as they are, or integers with a scale per row. */
export type PageFormat = FloatType | QuantFormat;

/**
 * The largest head dim of q, k, v and pages. Multi-head latent attention (MLA) has the longest rows of released models: 512 elements of
 * the latent and 64 with the position. A thread of a GPU keeps an eighth of two rows of a result in its registers, of which it has at most 255;
 * with longer rows kernels spill.
 */
export const MAX_HEAD_DIM = 576;

/** Elements in a 32-bit word of a quantised row. */
export const valuesPerWord: Readonly<Record<QuantFormat, number>> = { int8: 4, int4: 8 };

const poolDTypes: Readonly<Record<PageFormat, FloatType | 'u32'>> = {
  f32: 'f32',
  f16: 'f16',
  bf16: 'bf16',
  int8: 'u32',
  int4: 'u32',
};

/** Every page format. */
export const pageFormats: readonly PageFormat[] = Object.keys(poolDTypes) as PageFormat[];

/** True for formats whose rows are a scale and packed integers. */
export function isQuantised(format: PageFormat): format is QuantFormat {
  return Object.hasOwn(valuesPerWord, format);
}

/** The dtype of a page pool: quantised rows are u32 words. */
export function poolDType(format: PageFormat): FloatType | 'u32' {
  return poolDTypes[format];
}

/** Elements of {@link poolDType} in the row of one token and head, whose head dim is `dim`. */
export function rowElements(format: PageFormat, dim: number): number {
  return isQuantised(format) ? 1 + Math.ceil(dim / valuesPerWord[format]) : dim;
}

/** 32-bit words of the row of one token and head. A row of 16-bit floats of odd length leaves the last half word unused. */
export function rowWords(format: PageFormat, dim: number): number {
  return Math.ceil((rowElements(format, dim) * bytesPerElement[poolDType(format)]) / 4);
}

/**
 * Checks the name of a page format.
 * @param name the option that holds it
 * @param fix what to do about another value
 * @throws ValidationError no page format
 */
export function checkPageFormat(
  fn: string,
  name: string,
  format: unknown,
  fix: string,
): PageFormat {
  if (!pageFormats.includes(format as PageFormat)) {
    const known = pageFormats.map((one) => `'${one}'`);
    const rule = `${name} must be ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`;
    fail(fn, rule, show(format), fix);
  }
  return format as PageFormat;
}

/**
 * Checks that the rows of a pool of quantised pages have the words that their format and head dim need.
 * @param name the pool's argument
 * @param shape [pages, pageSize, Hkv, words]
 * @throws ValidationError another number of words
 */
export function checkRowWords(
  fn: string,
  name: string,
  shape: readonly number[],
  format: QuantFormat,
  dim: number,
): void {
  const words = rowWords(format, dim);
  if (shape.at(-1) === words) return;
  const rule = `rows of ${name} must be ${words} words: a scale, and ${dim} elements in ${format}`;
  fail(fn, rule, formatShape(shape), `Pass ${name} as [pages, pageSize, Hkv, ${words}].`);
}
