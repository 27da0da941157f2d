import type { Tensor } from '@heed/core';
import { bindTensor, elementCount, threadGrid, threadMain, wgsl } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import type { ScoreHook } from '../text/parts/hook.ts';
import { type ComposedKernel, composeKernel } from '../text/parts/kernel-parts.ts';
import { packParams, type ParamValues, u32Fields } from '../text/parts/params.ts';
import { collectedReads } from '../text/parts/table-sums.wgsl.ts';
import type { Call } from './attention-call.ts';
import { type Data, launch } from './backward-launch.ts';
import { checkMemory, type Target } from './launch-target.ts';
import { queryAxes } from './memory-layout.ts';
import type { BoundHook } from './options/attention-option.ts';
import { fillZero } from './zero-fill.ts';

/** The gradients of a hook's tables, by the index of the table; undefined for tables that the score does not follow. */
type TableGradients = ReadonlyMap<BoundHook, readonly (Tensor | undefined)[]>;

/**
 * Computes the gradients with respect to the tables that score hooks read: f32 in the tables' shapes, indexed as the tables are. Two
 * passes over the pairs: the first finds each table's largest contribution, which fixes the exponent of the sums.
 */
export function tableGradients(
  call: Call,
  wanted: readonly BoundHook[],
  data: Data,
  target: Target,
): TableGradients {
  const bound = wanted.filter(({ hook }) => hook.kind === 'score' && hook.gradient?.reads.length);
  if (bound.length === 0) return new Map();
  const collects = bound.map(({ hook }) => hook as ScoreHook);
  const { sums, total } = placesOf(bound);
  const fix = 'Ask for fewer gradients at a time, with grads, or use smaller tables.';
  checkMemory(target, call.fn, total, 'the sums of all table gradients, 12 bytes an element,', fix);
  const words = target.scratch('table gradients', [total], 'u32');
  fillZero(target, words);
  const reads = collectedReads(collects);
  const log2Adds = Math.ceil(Math.log2(Math.max(1, pairs(call) * reads.length)));
  const places = reads.map(({ hook, index }, i): ParamValues => {
    const { table } = hook.gradient!.reads[index]!;
    const { first, count } = sums.find((one) => one.hook === hook && one.table === table)!;
    return { [`read${i}_first`]: first, [`read${i}_count`]: count };
  });
  const work = {
    ...data,
    of: 'tables',
    collects,
    whole: words,
    results: {},
    axes: queryAxes(call),
  } as const;
  for (const pass of elementCount(call.q.shape) > 0 ? [0, 1] : []) {
    const values = Object.assign(
      { collect_pass: pass, log2_adds: log2Adds },
      ...places,
    ) as ParamValues;
    launch(call, work, 'f32', 'scalar', target, values);
  }
  const results = new Map<BoundHook, (Tensor | undefined)[]>(bound.map((one) => [one, []]));
  for (const { owner, table, shape, first } of sums) {
    const result = target.result('table gradient', shape);
    finishTable(target, words, first, log2Adds, result);
    results.get(owner)![table] = result;
  }
  target.free(words);
  return results;
}

/** The sums of one table: where they begin, and what they are of. */
interface TableSums {
  readonly owner: BoundHook;
  readonly hook: ScoreHook;
  readonly table: number;
  readonly shape: readonly number[];
  readonly count: number;
  readonly first: number;
}

/** Returns the places of the sums of all tables that hooks read, and the number of all words. */
function placesOf(bound: readonly BoundHook[]): { sums: readonly TableSums[]; total: number } {
  let total = 0;
  const sums = bound.flatMap((owner) => {
    const hook = owner.hook as ScoreHook;
    return [...new Set(hook.gradient!.reads.map(({ table }) => table))].map((table): TableSums => {
      const { shape } = owner.tables[table] as Tensor;
      const count = elementCount(shape);
      const first = total;
      total += 1 + 3 * count;
      return { owner, hook, table, shape, count, first };
    });
  });
  return { sums, total };
}

/** Returns an upper bound of the call's number of pairs. */
function pairs({ lengths, batch, qHeads, seqlenQ, seqlenK }: Call): number {
  return rowShapes[lengths].outer(batch) * qHeads * seqlenQ * seqlenK;
}

/** Converts sums from fixed point to f32; an element that got a non-finite contribution is NaN. */
export const finishSource: ComposedKernel = composeKernel({
  label: 'heed/table gradients',
  head: [],
  bindings: [
    { name: 'sums', kind: 'read', element: 'u32' },
    { name: 'result', kind: 'write', element: 'u32' },
  ],
  parts: [
    {
      fields: u32Fields('count', 'first', 'log2_adds'),
      text: wgsl`
    fn power_of_two(exponent: i32) -> f32 {
      return bitcast<f32>(u32(exponent + 127) << 23u);
    }

    ${threadMain(
      'element',
      wgsl`
        if (element >= params.count) {
          return;
        }
        var low = sums[params.first + 1u + element];
        var high = sums[params.first + 1u + params.count + element];
        let is_negative = (high & 0x80000000u) != 0u;
        if (is_negative) {
          low = ~low + 1u;
          high = ~high + select(0u, 1u, low == 0u);
        }
        // A sum is its integer · 2^(log2_adds + E − 188), E being the biased exponent of the largest contribution.
        let exponent = i32(params.log2_adds + max(sums[params.first] >> 23u, 1u)) - 188;
        let half = exponent / 2;
        let size = (f32(high) * 4294967296.0 + f32(low)) * power_of_two(half) * power_of_two(exponent - half);
        let is_finite = sums[params.first + 1u + 2u * params.count + element] == 0u;
        result[element] = select(0x7fc00000u, bitcast<u32>(select(size, -size, is_negative)), is_finite);
      `,
    )}
      `,
    },
  ],
});

function finishTable(
  target: Target,
  sums: Tensor,
  first: number,
  log2Adds: number,
  result: Tensor,
): void {
  const count = elementCount(result.shape);
  const values = { count, first, log2_adds: log2Adds };
  target.dispatch({
    source: finishSource,
    buffers: [bindTensor(sums).range, bindTensor(result).range],
    params: packParams(finishSource.fields, values),
    workgroups: threadGrid(target.gpu, count),
  });
}
