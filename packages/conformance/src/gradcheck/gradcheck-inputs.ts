import { type Tensor, ValidationError } from '@heed/core';
import type { NamesOf } from '@heed/core/kernel';
import type { Captures, FlexOptions, GradOptions } from '@heed/flex';
import { layoutNames, resultNames, sharedNames } from '@heed/kernels-wgsl/variant';
import { nestedTable } from '../problems/host-tables.ts';
import type { NdArray } from '../reference/nd-array.ts';
import type {
  ProblemLengths,
  ReferenceOptions,
  ReferenceProblem,
} from '../reference/reference-problem.ts';

/** The arguments of the function under test: tensors q, k, v (dense, packed, or pages with a blockTable) and its options. */
export interface GradcheckInputs<C extends Captures = never> extends FlexOptions<C>, GradOptions {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

export const inputNames: NamesOf<GradcheckInputs<Captures>> = {
  q: 1,
  k: 1,
  v: 1,
  scoreMod: 1,
  maskMod: 1,
  blockMask: 1,
  captures: 'data',
  grads: 1,
  ...sharedNames,
  ...layoutNames,
  ...resultNames,
};

/** Inputs with any captures. */
export interface AnyInputs extends Omit<GradcheckInputs, 'captures'> {
  readonly captures?: Captures;
}

/** All inputs on the host in float64. `gradcheck` changes their elements to take differences. */
export interface HostInputs {
  /** Arrays by name: q, k, v, sinks, a scale that is a tensor, and `captures.` followed by the name of a float capture. */
  readonly arrays: ReadonlyMap<string, NdArray>;
  /** Returns the problem with the current contents of the arrays. */
  readonly problem: () => ReferenceProblem;
}

/** Returns the name of a capture in `arrays`. */
export function captureKey(name: string): string {
  return `captures.${name}`;
}

export async function readInputs(inputs: AnyInputs): Promise<HostInputs> {
  const { q, k, v, sinks, scale, captures = {}, blockMask } = inputs;
  if (blockMask) {
    throw new ValidationError(
      'gradcheck: the mask must be a function; got a blockMask. Pass the maskMod that it was made of.',
    );
  }
  const arrays = new Map<string, NdArray>();
  const values: Record<string, unknown> = {};
  for (const [name, tensor] of Object.entries({ q, k, v, sinks, scale })) {
    if (typeof tensor === 'object') arrays.set(name, await download(tensor));
  }
  for (const [name, value] of Object.entries(captures)) {
    if (isTensor(value)) arrays.set(captureKey(name), await download(value));
    else values[name] = value.valueOf();
  }
  const { selectedKeys } = inputs;
  const lists = selectedKeys && (await download(selectedKeys));
  const lengths = await readLengths(inputs);
  const dropout = await readDropout(inputs);
  const fixed: ReferenceOptions = {
    ...(lists && { selectedKeys: lists }),
    ...(dropout && { dropout }),
  };
  return { arrays, problem: () => problemOf(inputs, arrays, values, lengths, fixed) };
}

/** Returns which weights the call drops: a seed on the GPU is its low and its high word. */
async function readDropout({ dropout }: AnyInputs): Promise<ReferenceOptions['dropout']> {
  if (dropout === undefined) return undefined;
  const { rate, seed } = dropout;
  if (typeof seed === 'number') return { rate, seed };
  const [low, high] = (await seed.read()) as Uint32Array;
  return { rate, seed: low! + high! * 2 ** 32 };
}

function isTensor(value: Captures[string]): value is Tensor {
  return typeof value === 'object' && 'dtype' in value;
}

async function download(tensor: Tensor): Promise<NdArray> {
  return { shape: tensor.shape, data: Float64Array.from(await tensor.read()) };
}

async function readLengths(inputs: AnyInputs): Promise<ProblemLengths> {
  const names = ['cuSeqlensQ', 'cuSeqlensK', 'seqUsedK', 'blockTable'] as const;
  const lengths: Record<string, Int32Array> = {};
  for (const name of names) {
    const given = inputs[name];
    if (!given) continue;
    const list = 'read' in given ? await given.read() : given;
    lengths[name] = Int32Array.from(list as Int32Array, Number);
  }
  return lengths;
}

type AnyFunction = (...args: unknown[]) => unknown;

function problemOf(
  { scoreMod, maskMod, scale, align, selectedBlockSize }: AnyInputs,
  arrays: ReadonlyMap<string, NdArray>,
  values: Readonly<Record<string, unknown>>,
  lengths: ProblemLengths,
  fixed: ReferenceOptions,
): ReferenceProblem {
  const captures: Record<string, unknown> = { ...values };
  for (const [key, array] of arrays) {
    const [, name] = key.split(captureKey(''));
    if (name !== undefined) captures[name] = nestedTable({ values: array, dtype: 'f32' });
  }
  const score = scoreMod as AnyFunction | undefined;
  const mask = maskMod as AnyFunction | undefined;
  const sinks = arrays.get('sinks');
  const options: ReferenceOptions = {
    ...(scale !== undefined && { scale: typeof scale === 'number' ? scale : arrays.get('scale')! }),
    ...(align && { align }),
    ...(sinks && { sinks }),
    ...fixed,
    ...(selectedBlockSize !== undefined && { selectedBlockSize }),
    ...(score && {
      scoreMod: (s, b, h, q, kv, info) => score(s, b, h, q, kv, captures, info) as number,
    }),
    ...(mask && { maskMod: (b, h, q, kv, info) => mask(b, h, q, kv, captures, info) as boolean }),
  };
  const [q, k, v] = ['q', 'k', 'v'].map((name) => arrays.get(name)!) as [NdArray, NdArray, NdArray];
  return { q, k, v, ...lengths, options };
}
