import type { Tensor } from '@heed/core';
import { elementCount } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { ScoreHook } from '../hooks/contract.ts';
import { fillZero } from '../kernels/fill/fill.ts';
import { finishTable } from '../kernels/table-gradients/finish.ts';
import type { ParamValues } from '../wgsl/params.ts';
import { checkMemory } from './check-memory.ts';
import { type Data, launch } from './launch-backward.ts';
import { queryAxes } from './strides.ts';
import type { Target } from './target.ts';

/**
 * The gradients by the tables that the last score hook reads, f32 in their shapes, by their index among its tables. Two passes
 * over the pairs: the first finds each table's largest contribution, from which the exponent of the sums comes.
 */
export function tableGradients(call: Call, data: Data, target: Target): (Tensor | undefined)[] {
  const { gpu, hooks } = call;
  const bound = hooks.findLast(({ hook }) => hook.kind === 'score');
  const reads = (bound?.hook as ScoreHook | undefined)?.gradient?.reads ?? [];
  if (!bound || reads.length === 0) return [];
  const tables = [...new Set(reads.map(({ table }) => table))];
  let total = 0;
  const sums = new Map(
    tables.map((table) => {
      const { shape } = bound.tables[table] as Tensor;
      const count = elementCount(shape);
      const first = total;
      total += 1 + 3 * count;
      return [table, { shape, count, first }];
    }),
  );
  const fix = 'Ask for fewer gradients at a time, with grads, or use smaller tables.';
  checkMemory(call, total, 'the sums of all table gradients, 12 bytes an element,', fix);
  const words = target.scratch('table gradients', [total], 'u32');
  fillZero(target, words);
  const log2Adds = Math.ceil(Math.log2(Math.max(1, pairs(call) * reads.length)));
  const places = reads.map(({ table }, i): ParamValues => {
    const { first, count } = sums.get(table)!;
    return { [`read${i}_first`]: first, [`read${i}_count`]: count };
  });
  const work = { ...data, of: 'tables', whole: words, results: {}, axes: queryAxes(call) } as const;
  for (const pass of elementCount(call.q.shape) > 0 ? [0, 1] : []) {
    const values = Object.assign(
      { collect_pass: pass, log2_adds: log2Adds },
      ...places,
    ) as ParamValues;
    launch(call, work, 'f32', 'scalar', target, values);
  }
  const results: (Tensor | undefined)[] = [];
  for (const [table, { shape, first }] of sums) {
    const result = gpu.empty([...shape], { label: 'heed/table gradient' });
    finishTable(target, words, first, log2Adds, result);
    results[table] = result;
  }
  target.free(words);
  return results;
}

/** No fewer than the pairs of the call. */
function pairs({ lengths, batch, qHeads, seqlenQ, seqlenK }: Call): number {
  return (lengths === 'dense' ? batch : 1) * qHeads * seqlenQ * seqlenK;
}
