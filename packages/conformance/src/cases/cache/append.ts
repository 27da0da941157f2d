import { type Input, Session, type SessionOptions } from '../../problems/cache-session.ts';
import type { NdArray } from '../../reference/nd-array.ts';
import { type Case, defineCase } from '../case.ts';
import { formats } from './formats.ts';

type Shape = Pick<SessionOptions, 'kvHeads' | 'headDim' | 'headDimV' | 'pageSize'> &
  Required<Pick<Input, 'placement'>>;

const shapes: Readonly<Record<string, Shape>> = {
  'dims-64x128': { kvHeads: 2, headDim: 64, headDimV: 128, pageSize: 16, placement: 'contiguous' },
  'dims-7x5': { kvHeads: 3, headDim: 7, headDimV: 5, pageSize: 3, placement: 'odd-rows' },
  'dims-129x1': { kvHeads: 1, headDim: 129, headDimV: 1, pageSize: 1, placement: 'middle' },
};

/** −0, what f16 cannot hold, and what is not a number; rows of zeros, of one kind, and with a NaN or an infinity among the rest. */
function awkward({ shape, data }: NdArray): void {
  const width = shape[1]! * shape[2]!;
  const special = [-0, 65504, 65520, -1e30, 1e-30, 2 ** -24, 1.5 * 2 ** -24, Infinity];
  for (let row = 0; row < shape[0]!; row++) {
    const numbers = data.subarray(row * width, (row + 1) * width);
    if (row === 0) numbers.set(special.slice(0, width));
    if (row === 1) numbers.fill(0);
    if (row === 2) numbers.forEach((x, i) => (numbers[i] = x * 1e4));
    if (row === 3) numbers[width - 1] = NaN;
    if (row === 4) numbers.fill(-2.5);
  }
}

/** Rows as they were appended, several sequences at once, a few at a time: to the bit, or quantised as near as may be. */
export const appendCases: readonly Case[] = formats.flatMap((dtype) =>
  Object.entries(shapes).flatMap(([name, { placement, ...shape }]) =>
    defineCase('cache-append', `${dtype}-pages/${name}`, {
      tags: name === 'dims-7x5' ? ['browser'] : [],
      run: (gpu, rows) =>
        Session.with(
          gpu,
          { layers: 2, pages: 40, ...shape, dtype, poison: true },
          { rows, awkward, placement },
          async (session) => {
            const list = [session.open(), session.open(), session.open()] as const;
            const [a, b, c] = list;
            session.append([
              [a, 5],
              [b, 1],
              [c, 7],
            ]);
            session.append(list.map((one) => [one, 1] as const));
            session.append([
              [c, 4],
              [b, 0],
              [a, 2],
            ]);
            return session.rowsAreRight('rows', list);
          },
        ),
    }),
  ),
);
