import type { Tensor } from '@heed/core';
import { adopt, elementCount, isHalf } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import type { FloatType, WriteAccess } from '../text/parts/kinds.ts';
import type { Call, FloatCall } from './attention-call.ts';
import { type Data, launch } from './backward-launch.ts';
import { checkMemory, type Target } from './launch-target.ts';
import { keyAxes } from './memory-layout.ts';
import { selectedKeyGradients } from './selected-key-gradients.ts';
import { pageOwners, sumOwners } from './shared-keys.ts';
import { fillZero } from './zero-fill.ts';

/** Computes dk and dv. */
export function keyGradients(
  call: FloatCall,
  data: Data,
  target: Target,
): Pick<GradientPair, 'dk' | 'dv'> {
  const { fn, k, v, kvDtype, lengths, selected } = call;
  const words = (elementCount(k.shape) + elementCount(v.shape)) / (isHalf(kvDtype) ? 2 : 1);
  checkMemory(target, fn, words, 'dk and dv together', 'Call it for fewer kv heads at a time.');
  const pair = gradientPair(target, kvDtype, k.shape, v.shape);
  const { whole, dk, dv, write } = pair;
  if (selected) {
    selectedKeyGradients({ ...call, selected }, data, pair, target);
  } else if (areShared(call, k.shape)) {
    sumOfParts(call, data, pair, target);
  } else {
    // The kernel does not visit keys that no sequence uses.
    if (lengths === 'varlen' || call.given.used) fillZero(target, whole);
    const work = { ...data, of: 'kv', whole, results: { dk, dv }, axes: keyAxes(call) } as const;
    if (elementCount(dk.shape) > 0) launch(call, work, kvDtype, write, target);
  }
  whole.dispose();
  return { dk, dv };
}

/** Computes the gradients of keys that several sequences share: one f32 gradient per sequence, then their sum. */
function sumOfParts(
  call: Call,
  data: Data,
  { whole, dk, dv, write }: GradientPair,
  target: Target,
): void {
  const { fn, batch, kvHeads, seqlenK, headDim, headDimV, keys } = call;
  const shape = [batch, kvHeads, seqlenK];
  const words = elementCount(shape) * (headDim + headDimV);
  const fix = 'Call it for fewer sequences at a time, and add the gradients of each part.';
  checkMemory(target, fn, words, 'dk and dv of each sequence, whose keys are shared,', fix);
  const parts = gradientPair(target, 'f32', [...shape, headDim], [...shape, headDimV]);
  fillZero(target, parts.whole);
  const results = { dk: parts.dk, dv: parts.dv };
  const work = {
    ...data,
    of: 'kv',
    whole: parts.whole,
    results,
    axes: rowShapes.dense.axes,
  } as const;
  if (elementCount(parts.dk.shape) > 0) launch(call, work, 'f32', parts.write, target);
  const owners = keys === 'paged' ? pageOwners(target, call, data.side) : undefined;
  // Of a view whose values are columns of its keys, dk is the gradient of the one memory.
  const added = call.view?.sharedKv ? parts.dv : undefined;
  for (const sum of [
    { part: parts.dk, added, result: dk },
    { part: parts.dv, result: dv },
  ]) {
    sumOwners(target, call, data.side, { ...sum, whole, write, owners });
  }
  owners?.dispose();
  for (const tensor of [parts.whole, parts.dk, parts.dv]) tensor.dispose();
}

/**
 * Whether several sequences may share a key, so that its gradient is a sum over them: pages, or K/V of batch 1 with more
 * queries.
 */
function areShared(
  { keys, lengths, batch }: Pick<Call, 'keys' | 'lengths' | 'batch'>,
  k: readonly number[],
): boolean {
  return keys === 'paged' || (lengths === 'dense' && k[0] === 1 && batch > 1);
}

/** dk and dv in one allocation, because one dispatch writes both. */
interface GradientPair {
  readonly whole: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
  readonly write: WriteAccess;
}

// 16 bytes of halves: the alignment of a window of vectors.
const ALIGNMENT = 8;

function gradientPair(
  target: Target,
  dtype: FloatType,
  kShape: readonly number[],
  vShape: readonly number[],
): GradientPair {
  const [k, v] = [paddedShape(kShape, dtype), paddedShape(vShape, dtype)];
  const start = Math.ceil(k.count / ALIGNMENT) * ALIGNMENT;
  const whole = target.result('dk dv', [Math.max(1, start + v.count)], dtype);
  const view = (first: number, { count, shape }: PaddedShape, dim: number): Tensor =>
    adopt(
      whole
        .slice(0, first, first + count)
        .reshape(shape)
        .slice(shape.length - 1, 0, dim),
    );
  const dk = view(0, k, kShape.at(-1)!);
  const dv = view(start, v, vShape.at(-1)!);
  return { whole, dk, dv, write: pairAccess(dtype, kShape.at(-1)!, vShape.at(-1)!) };
}

/** Returns how the rows of a pair are written. Both tensors are dense and start at vector alignment. */
function pairAccess(dtype: FloatType, headDim: number, headDimV: number): WriteAccess {
  if (headDim % 4 === 0 && headDimV % 4 === 0) return 'vec4';
  return isHalf(dtype) ? 'pair' : 'scalar';
}

interface PaddedShape {
  readonly shape: readonly number[] & number[];
  readonly count: number;
}

/** Pads rows of halves to whole words, so that each word has one writer. */
function paddedShape(shape: readonly number[], dtype: FloatType): PaddedShape {
  const dim = shape.at(-1)!;
  const padded = [...shape.slice(0, -1), isHalf(dtype) ? dim + (dim % 2) : dim];
  return { shape: padded, count: padded.reduce((a, b) => a * b, 1) };
}
