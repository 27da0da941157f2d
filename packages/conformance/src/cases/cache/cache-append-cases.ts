import { rotate } from '@heed/kvcache';
import { near } from '../../budget/output-checks.ts';
import { normal } from '../../problems/build-problem.ts';
import { type Input, Session, type SessionOptions } from '../../problems/cache-session.ts';
import { download, Scope, uploadArray } from '../../problems/case-tensors.ts';
import type { NdArray } from '../../reference/nd-array.ts';
import { floatDTypes, toStorage, ulp } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import { anglesOf, rotatedRow, type StoredFormat } from '../../reference/stored-rows.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';

/** The formats of pages. Each compiles its own kernel to append, and another one to append with rotary embeddings. */
export const formats: readonly StoredFormat[] = ['f32', 'f16', 'bf16', 'int8', 'int4'];

type Shape = Pick<SessionOptions, 'kvHeads' | 'headDim' | 'headDimV' | 'pageSize'> &
  Required<Pick<Input, 'placement'>>;

const shapes: Readonly<Record<string, Shape>> = {
  'dims-64x128': { kvHeads: 2, headDim: 64, headDimV: 128, pageSize: 16, placement: 'contiguous' },
  'dims-7x5': { kvHeads: 3, headDim: 7, headDimV: 5, pageSize: 3, placement: 'odd-rows' },
  'dims-129x1': { kvHeads: 1, headDim: 129, headDimV: 1, pageSize: 1, placement: 'middle' },
};

/** Writes −0, numbers outside f16 and bf16, and infinities; a row of zeros, a large one, a constant one, and one with a NaN. */
function awkward({ shape, data }: NdArray): void {
  const width = shape[1]! * shape[2]!;
  const special = [-0, 65504, 65520, -1e30, 3.4e38, 2 ** -24, 1.5 * 2 ** -24, Infinity];
  for (let row = 0; row < shape[0]!; row++) {
    const numbers = data.subarray(row * width, (row + 1) * width);
    if (row === 0) numbers.set(special.slice(0, width));
    if (row === 1) numbers.fill(0);
    if (row === 2) numbers.forEach((x, i) => (numbers[i] = x * 1e4));
    if (row === 3) numbers[width - 1] = NaN;
    if (row === 4) numbers.fill(-2.5);
  }
}

/** Appends to several sequences at once, a few rows at a time: rows are stored exactly, or quantised to the nearest value. */
const appendCases: readonly RunnableCase[] = formats.flatMap((dtype) =>
  Object.entries(shapes).flatMap(([name, { placement, ...shape }]) =>
    defineCase('cache-append', `${dtype}-pages/${name}`, {
      tags: name === 'dims-7x5' ? ['browser'] : [],
      bf16Tier: dtype !== 'f16' && name === 'dims-7x5' ? 'quick' : 'full',
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

/** Values that are the first columns of the keys are stored with them, once. */
const sharedKv = floatDTypes.flatMap((dtype) =>
  defineCase('cache-append', `${dtype}-pages/shared-kv`, {
    dtypes: ['f32'],
    tags: dtype === 'f16' ? ['browser'] : [],
    run: (gpu) =>
      Session.with(
        gpu,
        {
          layers: 2,
          kvHeads: 2,
          headDim: 7,
          headDimV: 5,
          pageSize: 3,
          pages: 20,
          dtype,
          sharedKv: true,
          poison: true,
        },
        { awkward, placement: 'odd-rows' },
        async (session) => {
          const a = session.open();
          session.append([[a, 7]]);
          const b = session.fork(a);
          session.truncate(a, 5);
          session.append([
            [a, 3],
            [b, 4],
          ]);
          return session.rowsAreRight('rows', [b, a]);
        },
      ),
  }),
);

const kinds = { 'half-split': false, interleaved: true } as const;

/** Rotates keys by their positions in their sequences, in f32, before they are stored; values stay. */
const keys = formats.flatMap((dtype) =>
  Object.entries(kinds).flatMap(([name, interleaved]) =>
    defineCase('cache-rotary', `${dtype}-pages/${name}`, {
      dtypes: ['f32'],
      tags: ['browser'],
      run: (gpu) =>
        Session.with(
          gpu,
          // Elements 8 to 10 of a key belong to no pair.
          {
            layers: 1,
            kvHeads: 2,
            headDim: 11,
            headDimV: 6,
            pageSize: 4,
            pages: 20,
            dtype,
            poison: true,
          },
          { angles: anglesOf(40, 4, interleaved) },
          async (session) => {
            const a = session.open();
            session.append([[a, 9]]);
            const b = session.fork(a);
            session.truncate(a, 6);
            session.append([
              [a, 3],
              [b, 5],
            ]);
            return session.rowsAreRight('rows', [b, a]);
          },
        ),
    }),
  ),
);

/** `rotate` rotates queries as `append` rotates keys, by positions on the host or on the GPU. */
const queries = Object.entries(kinds).flatMap(([name, interleaved]) =>
  defineCase('cache-rotary', `queries/${name}`, {
    bf16Tier: 'quick',
    tags: ['browser'],
    async run(gpu, dtype) {
      const scope = new Scope(gpu);
      try {
        const angles = anglesOf(40, 4, interleaved);
        const positions = Int32Array.of(0, 39, 7, 7);
        const [heads, dim] = [3, 11];
        const q = normal([positions.length, heads, dim], random(3), dtype);
        const rows = Array.from(positions).flatMap((position, t) =>
          Array.from({ length: heads }, (_, h) => {
            const at = (t * heads + h) * dim;
            return rotatedRow(q.data.subarray(at, at + dim), position, angles);
          }),
        );
        const data = Float64Array.from(rows.flatMap(({ numbers }) => Array.from(numbers)));
        const slack = Math.max(...rows.flatMap((row) => Array.from(row.slack)));
        const largest = toStorage(Math.max(...data.map(Math.abs)), dtype);
        const limit = slack + ulp(largest, dtype) / 2;
        const tables = {
          cos: uploadArray(scope, angles.cos, 'f32'),
          sin: uploadArray(scope, angles.sin, 'f32'),
          interleaved,
        };
        const rowsOnGpu = uploadArray(scope, q, dtype);
        const list = scope.own(gpu.tensor(positions, { shape: [positions.length] }));
        const checks = [];
        for (const [label, given] of [
          ['positions of the host', positions],
          ['positions of the GPU', list],
        ] as const) {
          const turned = scope.own(rotate(gpu, rowsOnGpu, { ...tables, positions: given }));
          const budget = { limit, naiveError: 0, allowance: limit };
          checks.push(near(label, await download(turned), { shape: q.shape, data }, budget));
        }
        return checks;
      } finally {
        scope.dispose();
      }
    },
  }),
);

const rotaryCases: readonly RunnableCase[] = [...keys, ...queries];

/** Cases of appending to a cache, and of rotary embeddings. */
export const cacheAppendCases: readonly RunnableCase[] = [
  ...appendCases,
  ...sharedKv,
  ...rotaryCases,
];
