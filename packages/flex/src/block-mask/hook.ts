import type { Gpu } from '@heed/core';
import { type BoundHook, type Call, fail } from '@heed/kernels-wgsl/variant';
import { boundMod } from '../attention/bound-mod.ts';
import type { BlockMask } from './block-mask.ts';
import { partsOf } from './parts.ts';
import { viewValues } from './view.ts';

/** A block mask as attention takes it: its mask, and the blocks. */
export function blockMaskHook(fn: string, gpu: Gpu, mask: BlockMask): BoundHook {
  const { compiled, view, problem, gpu: own } = partsOf(mask);
  if (own !== gpu) {
    fail(
      fn,
      "blockMask must belong to the tensors' Gpu",
      'that of another',
      'Make it with this one.',
    );
  }
  const bound = boundMod(fn, gpu, 'block', compiled);
  const blocks = viewValues(view, problem.blockM, problem.blockN);
  return {
    ...bound,
    values: (places) => ({ ...bound.values(places), ...blocks }),
    blocks: view.words,
  };
}

const rebuild = 'Make the mask from the same lengths: one dispatch, and nothing is compiled.';

/** @throws ValidationError the mask was made for another problem */
export function checkBlockMask(call: Call, mask: BlockMask): void {
  const { problem } = partsOf(mask);
  const { fn, options, given } = call;
  const must = (name: string, made: unknown, got: unknown, also?: unknown): void => {
    if (made === got || (also !== undefined && made === also)) return;
    fail(fn, `blockMask was made for ${name} = ${String(made)}`, String(got), rebuild);
  };
  must('layout', problem.lengths, call.lengths);
  must('align', problem.align, options.align ?? 'end');
  must('H', problem.heads, call.qHeads, 1);
  if (call.lengths === 'dense') {
    must('B', problem.batch, call.batch, problem.given.used ? undefined : 1);
    must('Lq', problem.seqlenQ, call.seqlenQ);
    must('Lk', problem.seqlenK, call.seqlenK);
  } else {
    must('sequences', problem.batch, call.batch);
  }
  for (const [name, key] of lists) {
    if (!isSame(problem.given[key], given[key])) {
      fail(fn, `blockMask was made for other ${name}`, `${name} that differ`, rebuild);
    }
  }
}

const lists = [
  ['cuSeqlensQ', 'cuQ'],
  ['cuSeqlensK', 'cuK'],
  ['seqUsedK', 'used'],
] as const;

type List = Call['given']['cuQ'];

/** Lists on the GPU cannot be compared here. */
function isSame(a: List, b: List): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (!(a instanceof Int32Array && b instanceof Int32Array)) return true;
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
