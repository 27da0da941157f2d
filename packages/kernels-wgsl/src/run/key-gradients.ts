import { elementCount } from '@heed/core/kernel';
import type { Call, FloatCall } from '../api/call.ts';
import { fillZero } from '../kernels/fill/fill.ts';
import { areShared } from '../kernels/shared-keys/are-shared.ts';
import { pageOwners } from '../kernels/shared-keys/owners.ts';
import { sumOwners } from '../kernels/shared-keys/sum.ts';
import { checkMemory } from './check-memory.ts';
import { type GradientPair, gradientPair } from './gradient-pair.ts';
import { type Data, launch } from './launch-backward.ts';
import { denseAxes, keyAxes } from './strides.ts';
import type { Target } from './target.ts';

/** dk and dv. */
export function keyGradients(
  call: FloatCall,
  data: Data,
  target: Target,
): Pick<GradientPair, 'dk' | 'dv'> {
  const { gpu, k, v, kvDtype, lengths } = call;
  const words = (elementCount(k.shape) + elementCount(v.shape)) / (kvDtype === 'f16' ? 2 : 1);
  checkMemory(call, words, 'dk and dv together', 'Call it for fewer kv heads at a time.');
  const pair = gradientPair(gpu, kvDtype, k.shape, v.shape);
  const { whole, dk, dv, write } = pair;
  if (areShared(call, k.shape)) {
    sumOfParts(call, data, pair, target);
  } else {
    // Keys that no sequence uses are not visited.
    if (lengths === 'varlen' || call.given.used) fillZero(target, whole);
    const work = { ...data, of: 'kv', whole, results: { dk, dv }, axes: keyAxes(call) } as const;
    if (elementCount(dk.shape) > 0) launch(call, work, kvDtype, write, target);
  }
  whole.dispose();
  return { dk, dv };
}

/** Keys of several sequences: the gradients of each, in f32, and then their sum. */
function sumOfParts(
  call: Call,
  data: Data,
  { whole, dk, dv, write }: GradientPair,
  target: Target,
): void {
  const { gpu, batch, kvHeads, seqlenK, headDim, headDimV, keys } = call;
  const shape = [batch, kvHeads, seqlenK];
  const words = elementCount(shape) * (headDim + headDimV);
  const fix = 'Call it for fewer sequences at a time, and add the gradients of each part.';
  checkMemory(call, words, 'dk and dv of each sequence, whose keys are shared,', fix);
  const parts = gradientPair(gpu, 'f32', [...shape, headDim], [...shape, headDimV]);
  fillZero(target, parts.whole);
  const results = { dk: parts.dk, dv: parts.dv };
  const work = { ...data, of: 'kv', whole: parts.whole, results, axes: denseAxes } as const;
  if (elementCount(parts.dk.shape) > 0) launch(call, work, 'f32', parts.write, target);
  const owners = keys === 'paged' ? pageOwners(target, call, data.side) : undefined;
  for (const [part, result] of [
    [parts.dk, dk],
    [parts.dv, dv],
  ] as const) {
    sumOwners(target, call, data.side, { part, result, whole, write, owners });
  }
  owners?.dispose();
  for (const tensor of [parts.whole, parts.dk, parts.dv]) tensor.dispose();
}
