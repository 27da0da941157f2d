import type { DType, Gpu, Tensor } from '@heed/core';
import { elementCount, fail, isQuantised, type QuantFormat, readOptions } from '@heed/core/kernel';
import type { Call } from '../host/attention-call.ts';
import { outShape, runCall } from '../host/forward-pass.ts';
import type { ForwardState } from '../host/row-states.ts';
import {
  type AttentionProblem,
  type AttentionTensors,
  checkProblem,
  keyDtype,
  problemHooks,
} from '../plan/attention-problem.ts';
import { layoutCall } from '../plan/plan-attention.ts';
import { meantByProblem, problemNames } from '../plan/problem-names.ts';
import type { VariantHooks } from '../text/parts/hook.ts';

/** A problem of a variant of attention, as `tune` takes it beside those of attention itself: `tunable()` of `@heed/flex` makes one. */
export interface Tunable {
  readonly problem: AttentionProblem;
  readonly hooks: VariantHooks;
  /** Makes and checks a call of some tensors on a Gpu, in the name of a function. */
  readonly callOf: (fn: string, gpu: Gpu, tensors: AttentionTensors) => Call;
}

/** @throws ValidationError a problem that cannot be */
export function toTunable(fn: string, given: AttentionProblem | Tunable): Tunable {
  if (given !== null && typeof given === 'object' && 'callOf' in given) {
    checkProblem(given.problem, fn);
    return given;
  }
  const problem = readOptions(fn, given, problemNames, meantByProblem, 'problem');
  checkProblem(problem, fn);
  return {
    problem,
    hooks: problemHooks(problem),
    callOf: (name, _, tensors) => layoutCall(name, problem, tensors),
  };
}

/** A call over made-up numbers. */
export interface Sample {
  readonly problem: AttentionProblem;
  readonly hooks: VariantHooks;
  readonly call: Call;
  /** Where a gradient starts from, of a problem with `backward`. */
  readonly state?: ForwardState;
  dispose(): void;
}

/**
 * A call of the problem's shapes. Packed sequences are equally long, and use all of their keys.
 * @throws ValidationError nothing to compute
 */
export function makeSample(gpu: Gpu, { problem, hooks, callOf }: Tunable): Sample {
  const { q: qShape, k: kShape, v: vShape = kShape, dtype = 'f32' } = problem;
  if (elementCount(qShape) === 0 || elementCount(kShape) === 0) {
    const got = `q = [${qShape.join(', ')}], k = [${kShape.join(', ')}]`;
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
  try {
    const { format } = problem;
    const keys = (shape: readonly number[], seed: number): Tensor =>
      format !== undefined && isQuantised(format)
        ? keep(gpu.tensor(words(shape, format, seed), { shape: [...shape] }))
        : keep(numbers(gpu, shape, keyDtype(problem), seed));
    const tensors: AttentionTensors = {
      q: keep(numbers(gpu, qShape, dtype, 1)),
      k: keys(kShape, 2),
      v: keys(vShape, 3),
      ...options(gpu, problem, keep),
      ...lengths(problem),
    };
    const checked = callOf('tune', gpu, tensors);
    const out = keep(gpu.empty(outShape(checked), { dtype }));
    const call = { ...checked, options: { ...checked.options, out } };
    const sample = { problem, hooks, call, dispose };
    return problem.backward ? { ...sample, state: stateOf(call, out, keep) } : sample;
  } catch (error) {
    dispose();
    throw error;
  }
}

function stateOf(call: Call, out: Tensor, keep: (tensor: Tensor) => Tensor): ForwardState {
  const { lse, states } = runCall(call, true);
  const dOut = keep(numbers(call.gpu, out.shape, out.dtype, 6));
  return { out, lse: keep(lse!), states: states!, dOut, dLse: undefined };
}

// Typical values: none of them is in the kernel, and only the window changes its time.
const SOFTCAP = 30;
const WINDOW = 256;

function options(
  gpu: Gpu,
  p: AttentionProblem,
  keep: (tensor: Tensor) => Tensor,
): Partial<AttentionTensors> {
  const perHead = (seed: number): Tensor => keep(numbers(gpu, [p.q[1]!], 'f32', seed));
  return {
    numSplits: p.numSplits ?? 'auto',
    ...(p.causal && { causal: true }),
    ...(p.window && { window: [WINDOW, p.causal ? -1 : WINDOW] as const }),
    ...(p.softcap && { softcap: SOFTCAP }),
    ...(p.alibi && { alibiSlopes: perHead(4) }),
    ...(p.sinks && { sinks: perHead(5) }),
    ...(p.returnLse && { returnLse: true }),
  };
}

function lengths({ layout, q, k, sequences = 1 }: AttentionProblem): Partial<AttentionTensors> {
  const cumulative = (total: number): Int32Array =>
    Int32Array.from({ length: sequences + 1 }, (_, i) => Math.floor((i * total) / sequences));
  if (layout === 'dense') return {};
  if (layout === 'varlen') {
    return { cuSeqlensQ: cumulative(q[0]!), cuSeqlensK: cumulative(k[0]!) };
  }
  const [pages, pageSize] = k as [number, number];
  const perSequence = Math.ceil(pages / sequences);
  return {
    cuSeqlensQ: cumulative(q[0]!),
    seqUsedK: new Int32Array(sequences).fill(perSequence * pageSize),
    blockTable: Int32Array.from({ length: sequences * perSequence }, (_, i) => i % pages),
  };
}

function numbers(gpu: Gpu, shape: readonly number[], dtype: DType, seed: number): Tensor {
  const next = random(seed);
  // Of variance 1. A prime number of them, over and over: rows differ, and large tensors are soon filled.
  const some = Float32Array.from({ length: 65_537 }, () => (next() / 2 ** 31 - 1) * Math.sqrt(3));
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i += some.length) {
    data.set(some.subarray(0, data.length - i), i);
  }
  return gpu.tensor(data, { shape: [...shape], dtype });
}

/** Rows of packed integers behind their scale. */
function words(shape: readonly number[], format: QuantFormat, seed: number): Uint32Array {
  const next = random(seed);
  const row = shape.at(-1)!;
  const scale = new Uint32Array(Float32Array.of(format === 'int8' ? 1 / 64 : 1 / 4).buffer)[0]!;
  return Uint32Array.from({ length: elementCount(shape) }, (_, i) =>
    i % row === 0 ? scale : next(),
  );
}

/** Whole numbers below 2³² (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}
