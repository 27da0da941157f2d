import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  breathing,
  dispatch,
  elementCount,
  formatShape,
  getKernel,
  isContiguous,
  type KernelSource,
  wgsl,
} from '@heed/core/kernel';
import { flexAttention } from '@heed/flex';
import { slidingWindow } from '@heed/flex/masks';
import { relativeBias } from '@heed/flex/mods';
import { attention, attentionVjp } from '@heed/kernels-wgsl';
import type { BoxCase } from './box-cases.ts';
import {
  type CallTime,
  type Input,
  type Output,
  type Probe,
  type Program,
  sources,
  valuesFrom,
} from './box-probes.ts';

// Calls per submit: few enough that the GPU begins while the host records, many enough that submits cost little.
const callsPerSubmit = 4;

/** heed as a program, on its own device. */
export function heedProgram(gpu: Gpu): Program {
  return {
    name: 'heed',
    async load(boxCase, probes) {
      const made = heedCall(gpu, boxCase);
      const dispose = async (): Promise<void> => made.tensors.forEach((tensor) => tensor.dispose());
      try {
        const outputs = made.call();
        const samples: Float32Array[] = [];
        for (const probe of probes) samples.push(await rowsAt(outputs[probe.output]!, probe));
        return { how: made.how, samples, time: (calls) => time(gpu, made.call, calls), dispose };
      } catch (error) {
        await dispose();
        throw error;
      }
    },
  };
}

async function rowsAt(
  tensor: Tensor,
  { batch, head, rowStart, rowEnd }: Probe,
): Promise<Float32Array> {
  const rows = tensor
    .slice(0, batch, batch + 1)
    .slice(1, head, head + 1)
    .slice(2, rowStart, rowEnd);
  return (await rows.read()) as Float32Array;
}

async function time(gpu: Gpu, call: () => unknown, calls: number): Promise<CallTime> {
  const start = performance.now();
  for (let done = 0; done < calls; done += callsPerSubmit) {
    gpu.batch(() => {
      for (let i = done; i < Math.min(calls, done + callsPerSubmit); i++) call();
    });
  }
  await breathing(gpu.device.adapterInfo, gpu.settled());
  const ms = (performance.now() - start) / calls;
  const gpuMs = await gpuTime(gpu, call);
  return gpuMs === undefined ? { ms } : { ms, gpuMs };
}

/** Sums the GPU times of one call's dispatches; the time between them does not count. */
async function gpuTime(gpu: Gpu, call: () => unknown): Promise<number | undefined> {
  if (!gpu.capabilities.timestampQuery) return undefined;
  const { spans } = await breathing(
    gpu.device.adapterInfo,
    gpu.profile(() => void call()),
  );
  return spans.reduce((sum, { ms }) => sum + ms, 0);
}

/** A case with its tensors. */
interface HeedCall {
  readonly how: string;
  /** Computes once without waiting. The outputs are valid until the next call. */
  readonly call: () => Partial<Record<Output, Tensor>>;
  readonly tensors: readonly Tensor[];
}

interface Inputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Makes the tensors of a case on the GPU; returns its call. */
function heedCall(gpu: Gpu, c: BoxCase): HeedCall {
  const query = [c.batch, c.headsQ, c.seqlenQ, c.headDim];
  const key = [c.batch, c.headsKv, c.seqlenK, c.headDim];
  const inputs = {
    q: filled(gpu, 'q', query),
    k: filled(gpu, 'k', key),
    v: filled(gpu, 'v', key),
  };
  if (c.pass === 'backward') return backward(inputs, c, filled(gpu, 'dOut', query));
  const out = gpu.empty(query, { dtype: 'f16', label: 'out' });
  return forward(gpu, inputs, c, out);
}

function forward(gpu: Gpu, { q, k, v }: Inputs, c: BoxCase, out: Tensor): HeedCall {
  const tensors = [q, k, v, out];
  const { causal, mod } = c;
  if (mod?.kind === 'relativeBias') {
    const { maxDistance } = mod;
    const shape = [c.headsQ, 2 * maxDistance + 1] as const;
    const bias = gpu.tensor(valuesFrom('bias', 0, shape[0] * shape[1]), {
      shape: [...shape],
      dtype: 'f16',
    });
    const options = { scoreMod: relativeBias, captures: { bias, maxDistance }, out };
    return {
      how: 'flexAttention(q, k, v, { scoreMod: relativeBias })',
      call: () => flexAttention(q, k, v, options),
      tensors: [...tensors, bias],
    };
  }
  if (mod?.kind === 'slidingWindow') {
    const options = { maskMod: slidingWindow, captures: { window: mod.window }, out };
    return {
      how: 'flexAttention(q, k, v, { maskMod: slidingWindow })',
      call: () => flexAttention(q, k, v, options),
      tensors,
    };
  }
  return {
    how: causal ? 'attention(q, k, v, { causal: true })' : 'attention(q, k, v)',
    call: () => attention(q, k, v, { causal, out }),
    tensors,
  };
}

function backward({ q, k, v }: Inputs, { causal }: BoxCase, dOut: Tensor): HeedCall {
  const kept = attentionVjp(q, k, v, { causal });
  let latest: readonly Tensor[] = [];
  return {
    how: `attentionVjp(q, k, v, { causal: ${causal} }).backward(dOut)`,
    call() {
      for (const tensor of latest) tensor.dispose();
      const { dq, dk, dv } = kept.backward(dOut);
      latest = [dq, dk, dv];
      return { dq, dk, dv };
    },
    get tensors() {
      return [q, k, v, dOut, kept.out, ...(kept.lse ? [kept.lse] : []), ...latest];
    },
  };
}

const most = 4096;

/**
 * Makes a tensor of halves with the numbers of `valueAt` on the GPU; uploading gigabytes would take minutes.
 * @throws ValidationError its rows are padded, as rows of odd length are on devices without shader-f16
 */
export function filled(gpu: Gpu, input: Input, shape: readonly number[]): Tensor {
  const tensor = gpu.empty([...shape], { dtype: 'f16', label: input });
  if (!isContiguous(tensor.shape, tensor.strides)) {
    tensor.dispose();
    throw new ValidationError(
      `filled: rows must lie without gaps; got ${formatShape(shape)} on a device that pads odd rows of halves. Use an even last dimension.`,
    );
  }
  const words = Math.ceil(elementCount(shape) / 2);
  const groups = Math.min(most, Math.ceil(words / LANES));
  const { seed, factor } = sources[input];
  const params = Uint32Array.of(words, groups * LANES, seed, 0);
  new Float32Array(params.buffer)[3] = factor;
  dispatch(gpu, {
    kernel: getKernel(gpu, fillSource),
    buffers: [bindTensor(tensor).range],
    params,
    workgroups: [groups, 1, 1],
  });
  return tensor;
}

/** Threads of a workgroup. */
const LANES = 64;

/** Writes the numbers of `valueAt` as halves, two per word. A thread writes every word whose index differs by a multiple of the thread count. */
export const fillSource: KernelSource = {
  label: 'heed-bench/fill',
  bindings: ['write', 'uniform'],
  code: `${wgsl`
    struct Params {
      words: u32,
      threads: u32,
      seed: u32,
      factor: f32,
    }

    @group(0) @binding(0) var<storage, read_write> halves: array<u32>;
    @group(0) @binding(1) var<uniform> params: Params;

    fn value_at(index: u32) -> f32 {
      var x = index + params.seed * 0x9e3779b9u;
      x = (x ^ (x >> 16u)) * 0x7feb352du;
      x = (x ^ (x >> 15u)) * 0x846ca68bu;
      x = x ^ (x >> 16u);
      return (f32(x >> 21u) - 1024.0) / 1024.0 * params.factor;
    }

    @compute @workgroup_size(${LANES})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      for (var word = id.x; word < params.words; word += params.threads) {
        halves[word] = pack2x16float(vec2<f32>(value_at(2u * word), value_at(2u * word + 1u)));
      }
    }
  `}\n`,
};
