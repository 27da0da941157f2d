import { type Tensor, UnsupportedError } from '@heed/core';
import { fail, formatShape, show } from '@heed/core/kernel';
import { type KeyType, type QuantType, rowWords } from '../../config/key-type.ts';
import type { VarlenLayout } from '../options.ts';
import type { Operand, Operands } from './shapes.ts';

const formats: readonly unknown[] = ['f32', 'f16', 'int8', 'int4'] satisfies KeyType[];

/**
 * @returns the format, if its rows are integers
 * @throws UnsupportedError integers that do not lie in pages
 */
export function checkFormat(
  fn: string,
  format: unknown = 'f32',
  isPaged: boolean,
): QuantType | undefined {
  if (!formats.includes(format)) {
    const rule = "format must be 'f32', 'f16', 'int8' or 'int4'";
    fail(fn, rule, show(format), 'Leave it out for float keys.');
  }
  if (format === 'f32' || format === 'f16') return undefined;
  if (isPaged) return format as QuantType;
  throw new UnsupportedError(
    `${fn}: format '${String(format)}' is of pages, found through a blockTable: only they keep a scale with each row. Pass pages, or keys in f32 or f16.`,
  );
}

type Layout = Pick<VarlenLayout, 'format' | 'headDim' | 'headDimV'>;

/** Words without a format could be anything. */
export function checkWords(fn: string, type: QuantType | undefined, k: Tensor | undefined): void {
  if (type !== undefined || k?.dtype !== 'u32') return;
  const fix = 'Pass format, headDim and headDimV, as in PagedKvView.';
  fail(fn, "k and v in u32 need format 'int8' or 'int4'", 'neither', fix);
}

/** k and v with their head dims last, whatever their rows hold; and what a layout says of them. */
export function keyOperands(
  fn: string,
  { q, k, v }: Operands,
  type: QuantType | undefined,
  layout: Layout,
): Pick<Operands, 'k' | 'v'> {
  if (type === undefined) {
    checkRepeated(fn, layout, k, v);
    return { k, v };
  }
  const { headDim, headDimV } = layout;
  if (headDim !== q.shape.at(-1)) {
    const rule = `headDim must be the last dimension of q, ${q.shape.at(-1)}, with format '${type}'`;
    fail(fn, rule, show(headDim), 'A row of words does not tell it.');
  }
  return {
    k: unpacked(fn, 'k', k, type, headDim),
    v: unpacked(fn, 'v', v, type, headDimV),
  };
}

function unpacked(
  fn: string,
  name: string,
  { shape, dtype }: Operand,
  type: QuantType,
  dim: number | undefined,
): Operand {
  if (!Number.isInteger(dim)) {
    const fix = 'A row of words does not tell it.';
    fail(fn, `headDimV is needed with format '${type}'`, show(dim), fix);
  }
  const words = rowWords(type, dim!);
  if (shape.at(-1) !== words) {
    const rule = `rows of ${name} must be ${words} words: a scale, and ${dim} elements in ${type}`;
    fail(fn, rule, formatShape(shape), `Pass ${name} as [pages, pageSize, Hkv, ${words}].`);
  }
  return { shape: [...shape.slice(0, -1), dim!], dtype };
}

/** What a page view says of float keys, k and v say too. */
function checkRepeated(
  fn: string,
  { format, headDim, headDimV }: Layout,
  k: Operand,
  v: Operand,
): void {
  const facts = [
    ['format', format, k.dtype],
    ['headDim', headDim, k.shape.at(-1)],
    ['headDimV', headDimV, v.shape.at(-1)],
  ] as const;
  for (const [name, given, actual] of facts) {
    if (given === undefined || given === actual) continue;
    const fix = 'Leave it out for float keys.';
    fail(fn, `${name} must be what k and v have, ${actual}`, show(given), fix);
  }
}
