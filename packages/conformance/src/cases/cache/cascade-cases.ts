import { varlenAttention } from '@heed/kernels-wgsl';
import type { Check } from '../../budget/output-checks.ts';
import { cumulative, normal } from '../../problems/build-problem.ts';
import { type Modelled, packedRows, Session } from '../../problems/cache-session.ts';
import { uploadArray } from '../../problems/case-tensors.ts';
import { collect } from '../../problems/launch-problem.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

/** A sequence: the group whose first keys it has, the keys behind them, and its query rows, which are the last of those. */
type Member = readonly [group: number, own: number, rows: number];

interface Batch {
  /** Keys that the sequences of each group share. */
  readonly shared: readonly number[];
  readonly members: readonly Member[];
}

const batches: Readonly<Record<string, Batch>> = {
  // Two groups that are mixed, a group of one, and prefixes that end inside a page and inside a tile of keys.
  uneven: {
    shared: [523, 331, 90],
    members: [
      [1, 5, 1],
      [0, 40, 3],
      [0, 3, 1],
      [2, 9, 2],
      [0, 90, 16],
      [1, 70, 2],
      [1, 33, 4],
      [0, 17, 1],
      [1, 64, 1],
    ],
  },
  // Sequences without rows, and with more than the prefix pass takes.
  mixed: {
    shared: [400],
    members: [
      [0, 20, 20],
      [0, 1, 1],
      [0, 5, 0],
      [0, 30, 2],
      [0, 2, 1],
      [0, 8, 1],
    ],
  },
};

const sinks = normal([4], random(3), 'f32');

const variants: Readonly<Record<string, ReferenceOptions>> = {
  causal: { causal: true },
  'softcap-alibi-sinks': {
    causal: true,
    softcap: 4,
    alibiSlopes: { shape: [4], data: Float64Array.of(0.5, 0.25, 0.125, 0.0625) },
    sinks,
  },
};

/** Sequences that share their first pages, in any order: the keys that they share are read once, and results are right. */
export const cascadeCases: readonly RunnableCase[] = Object.entries(batches).flatMap(
  ([batch, { shared, members }]) =>
    Object.entries(variants).flatMap(([variant, options]) =>
      defineCase('cascade', `${batch}/${variant}`, {
        tags: batch === 'uneven' && variant === 'causal' ? ['browser'] : [],
        run: (gpu, dtype) =>
          Session.with(
            gpu,
            { layers: 1, kvHeads: 2, headDim: 40, headDimV: 24, pageSize: 16, pages: 130, dtype },
            { rows: dtype },
            async (session) => {
              const list = appended(session, shared, members);
              const counts = members.map(([, , rows]) => rows);
              const view = session.cache.view(
                0,
                list.map(({ sequence }) => sequence),
              );
              const total = counts.reduce((sum, count) => sum + count, 0);
              const problem = {
                q: normal([total, 4, 40], random(total), dtype),
                k: packedRows('k', list),
                v: packedRows('v', list),
                cuSeqlensQ: cumulative(counts),
                cuSeqlensK: cumulative(list.map(({ rows }) => rows[0]!.length)),
                options,
              };
              const q = uploadArray(session.scope, problem.q, dtype);
              const { alibiSlopes, sinks: logits, causal, softcap } = options;
              const given = {
                causal,
                softcap,
                ...(alibiSlopes && {
                  alibiSlopes: uploadArray(session.scope, alibiSlopes, 'f32'),
                }),
                ...(logits && { sinks: uploadArray(session.scope, logits, 'f32') }),
                returnLse: true,
              } as const;
              const checks: Check[] = [];
              for (const numSplits of [1, 'auto'] as const) {
                const result = varlenAttention(q, view, { ...given, numSplits } as never);
                const got = await collect(session.scope, result);
                checks.push(...isRight(`numSplits ${numSplits}`, got, problem, dtype));
              }
              return checks;
            },
          ),
      }),
    ),
);

function appended(
  session: Session,
  shared: readonly number[],
  members: readonly Member[],
): Modelled[] {
  const roots = shared.map((count) => {
    const root = session.open();
    session.append([[root, count]]);
    return root;
  });
  const list = members.map(([group]) => session.fork(roots[group]!));
  for (const { sequence } of roots) sequence.close();
  session.append(members.map(([, own, rows], i) => [list[i]!, own - Math.min(own, rows)]));
  session.append(members.map(([, , rows], i) => [list[i]!, rows]));
  return list;
}
