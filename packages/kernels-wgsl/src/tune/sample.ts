import type { DType, Gpu, Tensor } from '@heed/core';
import { elementCount, fail, isQuantised, type QuantFormat, readOptions } from '@heed/core/kernel';
import { checkDifferentiable } from '../api/differentiable.ts';
import { type Call, factsOfCall } from '../host/attention-call.ts';
import { outShape, runCall } from '../host/forward-pass.ts';
import type { MakeTensor } from '../host/options/attention-option.ts';
import type { ForwardState } from '../host/row-states.ts';
import {
  type AttentionProblem,
  type AttentionTensors,
  checkProblem,
  shapeTensors,
  tensorsOfProblem,
} from '../plan/attention-problem.ts';
import { layoutCall } from '../plan/plan-attention.ts';
import { meantByProblem, problemNames } from '../plan/problem-names.ts';
import type { ProblemFacts } from '../select/problem-facts.ts';

/** A problem of a variant of attention, for `tune` and `tuneCandidates`: `tunable()` of `@heed/flex` makes one. */
export interface Tunable {
  readonly problem: AttentionProblem;
  /** Makes and checks a call for the given tensors; error messages name `fn`. */
  readonly callOf: (fn: string, gpu: Gpu, tensors: AttentionTensors) => Call;
}

/** @throws ValidationError an invalid problem */
export function toTunable(fn: string, given: AttentionProblem | Tunable): Tunable {
  if (given !== null && typeof given === 'object' && 'callOf' in given) {
    checkProblem(given.problem, fn);
    return given;
  }
  const problem = readOptions(fn, given, problemNames, meantByProblem, 'problem');
  checkProblem(problem, fn);
  return {
    problem,
    callOf: (name, _, tensors) => layoutCall(name, problem, tensors),
  };
}

/** Returns the facts of a problem, taken from a call with its shapes. */
export function tunableFacts(fn: string, gpu: Gpu, { problem, callOf }: Tunable): ProblemFacts {
  const call = callOf(fn, gpu, shapeTensors(gpu, problem));
  if (problem.backward) checkDifferentiable(call);
  return factsOfCall(call, problem.backward);
}

/** A call over pseudorandom data. */
export interface Sample {
  readonly call: Call;
  /** With `backward`: the result of the forward pass, and the gradient with respect to `out`. */
  readonly state?: ForwardState;
  dispose(): void;
}

/**
 * Makes a call with the problem's shapes.
 * @throws ValidationError nothing to compute
 */
export function makeSample(gpu: Gpu, { problem, callOf }: Tunable): Sample {
  const { q, k, format } = problem;
  if (elementCount(q) === 0 || elementCount(k) === 0) {
    const got = `q = [${q.join(', ')}], k = [${k.join(', ')}]`;
    fail('tune', 'a problem needs queries and keys', got, 'Pass the shapes of a usual call.');
  }
  const made: Tensor[] = [];
  const keep = (tensor: Tensor): Tensor => {
    made.push(tensor);
    return tensor;
  };
  const dispose = (): void => {
    for (const tensor of made) tensor.dispose();
  };
  const make: MakeTensor = (name, shape, dtype) => {
    if (name === 'selectedKeys') return keep(lists(gpu, problem, shape));
    return keep(
      format !== undefined && isQuantised(format) && dtype === 'u32'
        ? gpu.tensor(words(shape, format, SEEDS[name] ?? 7), { shape: [...shape] })
        : numbers(gpu, shape, dtype, SEEDS[name] ?? 7),
    );
  };
  try {
    const checked = callOf('tune', gpu, tensorsOfProblem(problem, make));
    const out = keep(gpu.empty(outShape(checked), { dtype: checked.dtype }));
    const call = { ...checked, options: { ...checked.options, out } };
    return problem.backward
      ? { call, dispose, state: stateOf(call, out, keep) }
      : { call, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

// Every tensor gets different values.
const SEEDS: Readonly<Record<string, number>> = {
  q: 1,
  k: 2,
  v: 3,
  alibiSlopes: 4,
  sinks: 5,
  scale: 8,
  softcap: 9,
};

function stateOf(call: Call, out: Tensor, keep: (tensor: Tensor) => Tensor): ForwardState {
  const { lse, states } = runCall(call, true);
  const dOut = keep(numbers(call.gpu, out.shape, out.dtype, 6));
  return { out, lse: keep(lse!), states: states!, dOut, dLse: undefined };
}

function numbers(gpu: Gpu, shape: readonly number[], dtype: DType, seed: number): Tensor {
  const next = random(seed);
  // Values have variance 1. A prime number of them is repeated, so that rows differ and large tensors are filled fast.
  const some = Float32Array.from({ length: 65_537 }, () => (next() / 2 ** 31 - 1) * Math.sqrt(3));
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i += some.length) {
    data.set(some.subarray(0, data.length - i), i);
  }
  return gpu.tensor(data, { shape: [...shape], dtype });
}

/** Returns lists of selected keys: any keys of a sequence, in any order. */
function lists(gpu: Gpu, problem: AttentionProblem, shape: readonly number[]): Tensor {
  const { layout, k, sequences = 1, selectedBlockSize = 1 } = problem;
  const keys = layout === 'dense' ? k[2]! : elementCount(k.slice(0, -2)) / Math.max(1, sequences);
  const blocks = Math.max(1, Math.floor(keys / selectedBlockSize));
  const next = random(8);
  const data = Int32Array.from({ length: elementCount(shape) }, () => next() % blocks);
  return gpu.tensor(data, { shape: [...shape], dtype: 'i32' });
}

/** Returns quantised rows: each is a scale followed by packed integers. */
function words(shape: readonly number[], format: QuantFormat, seed: number): Uint32Array {
  const next = random(seed);
  const row = shape.at(-1)!;
  const scale = new Uint32Array(Float32Array.of(format === 'int8' ? 1 / 64 : 1 / 4).buffer)[0]!;
  return Uint32Array.from({ length: elementCount(shape) }, (_, i) =>
    i % row === 0 ? scale : next(),
  );
}

/** Generates pseudorandom integers below 2³² (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}
