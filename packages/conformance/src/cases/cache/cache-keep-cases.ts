import { holds } from '../../budget/output-checks.ts';
import { Session } from '../../problems/cache-session.ts';
import { anglesOf } from '../../reference/stored-rows.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { formats } from './cache-append-cases.ts';

const shape = {
  layers: 2,
  kvHeads: 2,
  headDim: 11,
  headDimV: 6,
  pageSize: 4,
  pages: 24,
  poison: true,
} as const;

const common = ['f16', 'int4'];

/** Rows that `keep` leaves, of a tree and of a whole sequence, are those that were appended, at their positions. */
export const cacheKeepCases: readonly RunnableCase[] = formats.flatMap((dtype) =>
  defineCase('cache-keep', `${dtype}-pages`, {
    dtypes: ['f32'],
    tier: common.includes(dtype) ? 'quick' : 'full',
    tags: common.includes(dtype) ? ['browser'] : [],
    run: (gpu) =>
      Session.with(gpu, { ...shape, dtype }, { angles: anglesOf(40, 4, true) }, async (session) => {
        const a = session.open();
        session.append([[a, 10]]);
        const b = session.fork(a);
        const depths = [0, 0, 1, 1, 2, 3];
        session.append(
          [[b, 6]],
          Int32Array.from(depths, (depth) => 10 + depth),
        );
        session.keep(b, [11, 13, 14], 10);
        session.append([
          [b, 2],
          [a, 1],
        ]);
        const checks = await session.rowsAreRight('an accepted path', [a, b]);
        session.keep(a, [0, 2, 3, 4, 7, 10]);
        const c = session.fork(a);
        session.append([
          [a, 3],
          [c, 1],
        ]);
        const next = [a, b, c].map(({ sequence }) => sequence.nextPosition).join(', ');
        return [
          ...checks,
          ...(await session.rowsAreRight('chosen rows', [a, b, c])),
          holds('next positions', next === '14, 15, 12', `${next}, not 14, 15, 12`),
        ];
      }),
  }),
);
