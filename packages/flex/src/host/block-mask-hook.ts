import type { Gpu } from '@heed/core';
import { checkTensor, knownList } from '@heed/core/kernel';
import { type BoundHook, type Call, fail } from '@heed/kernels-wgsl/variant';
import { boundMod } from './bound-mod.ts';
import type { Resolution } from '../text/compile/resolve.ts';
import { partsOf } from './block-mask-parts.ts';
import { viewValues } from './block-planes.ts';

/** A block mask as attention takes it: its mask, and the blocks. */
export function blockMaskHook(fn: string, gpu: Gpu, mask: object, like?: Resolution): BoundHook {
  const { compiled, view, problem, gpu: own } = partsOf(mask);
  if (own !== gpu) {
    fail(
      fn,
      "blockMask must belong to the tensors' Gpu",
      'that of another',
      'Make it with this one.',
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

/** The blocks are those of the mask as it is, so its numbers cannot take the types that a plan has. */
function checkKinds(fn: string, { kinds }: Resolution, like: Resolution): void {
  kinds.forEach(({ name, type }, i) => {
    const made = like.kinds[i];
    if (made === undefined || made.name !== name || made.type === type) return;
    const rule = `captures.${name} of blockMask must be ${made.type}, as in the mask that the plan was made for`;
    fail(fn, rule, type, `Make both masks with f32() around it.`);
  });
}

const rebuild = 'Make the mask from the same lengths: one dispatch, and nothing is compiled.';

/** @throws ValidationError the mask was made for another problem */
export function checkBlockMask(call: Call, mask: object): void {
  const { problem, dependsOn } = partsOf(mask);
  const { fn, options, given } = call;
  const must = (name: string, made: unknown, got: unknown): void => {
    if (made === got) return;
    fail(fn, `blockMask was made for ${name} = ${String(made)}`, String(got), rebuild);
  };
  // One entry serves all, unless it is that of one.
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
    // Lists of the host end within both; others are clamped to the rows that there are.
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

/** Lists that only the GPU knows are compared there, sequence by sequence. */
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
