import { rotate } from '@heed/kvcache';
import { near } from '../../budget/output-checks.ts';
import { toStorage, ulp } from '../../reference/number-types.ts';
import { random } from '../../reference/seeded-random.ts';
import { normal } from '../../problems/build-problem.ts';
import { Session } from '../../problems/cache-session.ts';
import { Scope, download, uploadArray } from '../../problems/case-tensors.ts';
import { anglesOf, rotatedRow } from '../../reference/stored-rows.ts';
import { type Case, defineCase } from '../case.ts';
import { formats } from './formats.ts';

const kinds = { 'half-split': false, interleaved: true } as const;

/** Keys are turned by their positions in their sequences, in f32, before they are stored; values are not. */
const keys = formats.flatMap((dtype) =>
  Object.entries(kinds).flatMap(([name, interleaved]) =>
    defineCase('cache-rotary', `${dtype}-pages/${name}`, {
      dtypes: ['f32'],
      tags: ['browser'],
      run: (gpu) =>
        Session.with(
          gpu,
          // Elements 8 and 9 and 10 of a key are in no pair.
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

/** `rotate` turns queries as `append` does keys, by positions of the host or of the GPU. */
const queries = Object.entries(kinds).flatMap(([name, interleaved]) =>
  defineCase('cache-rotary', `queries/${name}`, {
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

export const rotaryCases: readonly Case[] = [...keys, ...queries];
