import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { isQuantised } from '@heed/core/kernel';
import { expect } from 'vitest';
import { lengthOf, type Span, type Toy } from './toy.ts';

const valuesPerWord = { int8: 4, int4: 8 } as const;

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** Returns the scale and the integers of a packed row. */
function unpackRow(
  format: 'int8' | 'int4',
  row: ArrayLike<number>,
  dim: number,
): { scale: number; integers: number[] } {
  const perWord = valuesPerWord[format];
  const bits = 32 / perWord;
  u32[0] = row[0]!;
  const integers = Array.from({ length: dim }, (_, d) => {
    const word = row[1 + Math.floor(d / perWord)]!;
    return (word << (32 - bits * ((d % perWord) + 1))) >> (32 - bits);
  });
  return { scale: f32[0]!, integers };
}

/** Returns the rows of a pool as f32 numbers; int8 and int4 give scale · integer, rounded once. */
async function poolNumbers(
  pool: Tensor,
  format: PagedKvView['format'],
  dim: number,
): Promise<Float32Array> {
  const numbers = await pool.read();
  if (!isQuantised(format)) return numbers as Float32Array;
  const words = pool.shape[3]!;
  const rows = Array.from({ length: numbers.length / words }, (_, i) => {
    const { scale, integers } = unpackRow(
      format,
      numbers.subarray(i * words, (i + 1) * words),
      dim,
    );
    return integers.map((x) => Math.fround(scale * x));
  });
  return Float32Array.from(rows.flat());
}

/** Returns keys and values of each sequence of a view, by its tables; null where a window has released the page. */
export async function rowsOfView(view: PagedKvView): Promise<(Float32Array | null)[][][]> {
  const { k, v, blockTable, seqUsedK } = view;
  const lists = Promise.all([blockTable.read(), seqUsedK.read()]);
  const [, maxPages] = blockTable.shape as [number, number];
  const { pageSize, format, formatV = format } = view;
  const heads = k.shape[2]!;
  const pools = await Promise.all(
    [
      { pool: k, dim: view.headDim, type: format },
      { pool: v, dim: view.headDimV, type: formatV },
    ].map(async ({ pool, dim, type }) => {
      return { numbers: await poolNumbers(pool, type, dim), size: heads * dim };
    }),
  );
  const [table, used] = await lists;
  return Array.from(used, (length, b) =>
    pools.map(({ numbers, size }) =>
      Array.from({ length }, (_, j) => {
        const page = table[b * maxPages + Math.floor(j / pageSize)]!;
        const slot = page * pageSize + (j % pageSize);
        return page === 0 ? null : numbers.slice(slot * size, (slot + 1) * size);
      }),
    ),
  );
}

/** Returns the dequantised rows of a view's pages, packed, as f32. */
export async function dequantised(
  gpu: Gpu,
  view: PagedKvView,
): Promise<{ k: Tensor; v: Tensor; lengths: number[] }> {
  const rows = await rowsOfView(view);
  const heads = view.k.shape[2]!;
  const [k, v] = [view.headDim, view.headDimV].map((dim, x) => {
    const all = rows.flatMap((sequence) => sequence[x]!.map((row) => row!));
    const data = new Float32Array(all.length * heads * dim);
    all.forEach((row, i) => data.set(row, i * heads * dim));
    return gpu.tensor(data, { shape: [all.length, heads, dim] });
  });
  return { k: k!, v: v!, lengths: rows.map(([keys]) => keys!.length) };
}

/**
 * Expects every row of a view, which are those of one span or several for each sequence, to equal the model's row: bit for bit, or integer for integer in quantised rows of whole numbers,
 * whose scale may be off by one or two ulp. Only a window may have released rows.
 */
export async function expectRows(
  view: PagedKvView,
  layer: number,
  toy: Toy,
  spans: readonly (Span | readonly Span[])[],
  sinkTokens = 0,
): Promise<void> {
  const got = await rowsOfView(view);
  expect(got).toHaveLength(spans.length);
  spans.forEach((given, b) => {
    const own: Span[] = Array.isArray(given) ? given : [given];
    const count = own.reduce((sum, span) => sum + lengthOf(span), 0);
    (['k', 'v'] as const).forEach((x, i) => {
      const format = x === 'k' ? view.format : (view.formatV ?? view.format);
      const [heads, dim] = toy.size(x);
      const want = toy.numbers(x, layer, own);
      const rows = got[b]![i]!;
      expect(rows).toHaveLength(count);
      rows.forEach((row, j) => {
        const inSight = j >= rows.length - (view.window ?? Infinity) || j < sinkTokens;
        if (row === null) return expect(inSight, `row ${j} was released`).toBe(false);
        const expected = want.subarray(j * heads * dim, (j + 1) * heads * dim);
        const isSame =
          format === 'f32'
            ? (number: number, d: number) => Object.is(number, expected[d])
            : (number: number, d: number) => Math.abs(number - expected[d]!) < 1e-4;
        if (!row.every(isSame)) {
          expect(row, `${x} of sequence ${b}, row ${j}, layer ${layer}`).toEqual(expected);
        }
      });
    });
  });
}

/** Returns the pages of a pool that hold only NaN. */
export async function poisonedPages(pool: Tensor): Promise<number> {
  const numbers = await pool.read();
  const size = numbers.length / pool.shape[0]!;
  // In quantised rows the scale is NaN; every word has its bits.
  const isNaNWord = (x: number): boolean => Number.isNaN(x) || x === 0x7fc07fc0;
  let count = 0;
  for (let page = 1; page < pool.shape[0]!; page++) {
    if (numbers.subarray(page * size, (page + 1) * size).every(isNaNWord)) count++;
  }
  return count;
}
