import { varlenAttention } from '@heed/kernels-wgsl';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/seeded-random.ts';
import { cumulative, normal } from '../../problems/build-problem.ts';
import { type Modelled, Session } from '../../problems/cache-session.ts';
import { collect } from '../../problems/launch-problem.ts';
import type { NdArray } from '../../reference/nd-array.ts';
import type { Problem } from '../../reference/reference-problem.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';
import { uploadArray } from '../../problems/case-tensors.ts';

const [kvHeads, headDim] = [2, 64];

/** The rows of sequences, packed. */
function packed(x: 'k' | 'v', list: readonly Modelled[]): NdArray {
  const rows = list.flatMap((one) => one.rows[0]!.flatMap((row) => row[x]));
  const data = new Float32Array(rows.length * headDim);
  rows.forEach((row, i) => data.set(row, i * headDim));
  return { shape: [rows.length / kvHeads, kvHeads, headDim], data };
}

/** Attention over a view after a fork, a truncation and steps of decode, against float64 over what was appended. */
export const attentionCases: readonly Case[] = defineCase('cache-attention', 'served', {
  tags: ['browser'],
  run: (gpu, dtype: FloatDType) =>
    Session.with(
      gpu,
      { layers: 1, kvHeads, headDim, pageSize: 16, pages: 20, dtype, poison: true },
      { rows: dtype },
      async (session) => {
        const a = session.open();
        session.append([[a, 40]]);
        const b = session.fork(a);
        session.truncate(b, 21);
        const list = [a, b];
        const checks = [];
        for (const counts of [
          [1, 3],
          [1, 1],
        ] as const) {
          session.append([
            [a, counts[0]],
            [b, counts[1]],
          ]);
          const view = session.cache.view(
            0,
            list.map(({ sequence }) => sequence),
          );
          const problem: Problem = {
            q: normal([counts[0] + counts[1], 4, headDim], random(counts[1]), dtype),
            k: packed('k', list),
            v: packed('v', list),
            cuSeqlensQ: cumulative(counts),
            cuSeqlensK: cumulative(list.map(({ rows }) => rows[0]!.length)),
            options: { causal: true },
          };
          const q = uploadArray(session.scope, problem.q, dtype);
          const { cuSeqlensQ } = view;
          const options = { cuSeqlensQ, causal: true, returnLse: true };
          const got = await collect(session.scope, varlenAttention(q, view, options));
          checks.push(...isRight(`${counts.join(' and ')} new rows`, got, problem, dtype));
        }
        return checks;
      },
    ),
});
