import type { Gpu } from '@heed/core';
import { checkTensor, knownList } from '@heed/core/kernel';
import { type BoundHook, type Call, fail } from '@heed/kernels-wgsl/variant';
import { boundMod } from './bound-mod.ts';
import type { Resolution } from '../text/compile/resolve.ts';
import { partsOf } from './block-mask-parts.ts';
import { viewValues } from './block-planes.ts';

/** Returns the hook of a block mask: its mask with the bit planes of its blocks. */
export function blockMaskHook(fn: string, gpu: Gpu, mask: object, like?: Resolution): BoundHook {
  const { compiled, view, problem, gpu: own } = partsOf(mask);
  if (own !== gpu) {
    fail(
      fn,
      "blockMask must belong to the tensors' Gpu",
      'a mask of another Gpu',
      'Make the mask with the Gpu of the tensors.',
    );
  }
  checkTensor(fn, 'blockMask', view.words);
  if (like) checkKinds(fn, compiled.resolution, like);
  const bound = boundMod(fn, gpu, 'block', compiled);
  const blocks = viewValues(view, problem.blockM, problem.blockN);
  return {
    ...bound,
    values: (places) => ({ ...bound.values(places), ...blocks }),
    blocks: view.words,
  };
}

/** The blocks belong to the mask as it was made, so its numbers cannot be converted to the types of a plan. */
function checkKinds(fn: string, { kinds }: Resolution, like: Resolution): void {
  kinds.forEach(({ name, type }, i) => {
    const made = like.kinds[i];
    if (made === undefined || made.name !== name || made.type === type) return;
    const rule = `captures.${name} of blockMask must be ${made.type}, as in the mask that the plan was made for`;
    fail(fn, rule, type, `Make both masks with f32() around it.`);
  });
}

const rebuild = 'Make the mask from the same lengths: one dispatch, and nothing is compiled.';

/** Checks that a mask was made for this problem. @throws ValidationError it was made for another */
export function checkBlockMask(call: Call, mask: object): void {
  const { problem, dependsOn } = partsOf(mask);
  const { fn, options, given } = call;
  const must = (name: string, made: unknown, got: unknown): void => {
    if (made === got) return;
    fail(fn, `blockMask was made for ${name} = ${String(made)}`, String(got), rebuild);
  };
  // Size 1 broadcasts, unless the mask depends on that index.
  const mustServe = (name: string, made: number, got: number, depends: boolean): void => {
    if (made !== 1 || depends) must(name, made, got);
  };
  must('layout', problem.lengths, call.lengths);
  must('align', problem.align, options.align ?? 'end');
  mustServe('H', problem.heads, call.qHeads, dependsOn.h);
  if (call.lengths === 'dense') {
    mustServe('B', problem.batch, call.batch, dependsOn.b);
    must('Lq', problem.seqlenQ, call.seqlenQ);
    must('Lk', problem.seqlenK, call.seqlenK);
  } else {
    must('sequences', problem.batch, call.batch);
    // Lists known to the host end within both tensors; other lists are clamped to the rows that exist.
    if (!(given.cuQ instanceof Int32Array)) must('Lq', problem.seqlenQ, call.seqlenQ);
  }
  for (const [name, key] of lists) mustEqual(fn, name, problem.given[key], given[key]);
}

const lists = [
  ['cuSeqlensQ', 'cuQ'],
  ['cuSeqlensK', 'cuK'],
  ['seqUsedK', 'used'],
] as const;

type List = Call['given']['cuQ'];

/** Compares two lists. Lists that only the GPU knows are compared there, sequence by sequence. */
function mustEqual(fn: string, name: string, made: List, got: List): void {
  const differ = (what: string, a: unknown, b: unknown): never =>
    fail(fn, `blockMask was made for ${what} = ${String(a)}`, String(b), rebuild);
  if (made === undefined || got === undefined) {
    if (made !== got) differ(name, made && 'a list', got && 'a list');
    return;
  }
  const [before, now] = [knownList(made), knownList(got)];
  if (!before || !now) return;
  const at = before.findIndex((n, i) => n !== now[i]);
  if (at >= 0) differ(`${name}[${at}]`, before[at], now[at]);
}
