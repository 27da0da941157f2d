import type { Gpu, Tensor } from '@heed/core';
import { attention, varlenAttention } from '@heed/kernels-wgsl';
import {
  cuSeqlens,
  lengthsOf,
  maxLength,
  problemOf,
  totalTokens,
} from '../measure/bench-problem.ts';
import type { Contestant, Job } from '../measure/bench-results.ts';
import { padRows, swapMiddle, unpadRows } from '../measure/row-layouts.ts';
import { expectedOf, judge } from '../measure/verdict.ts';
import { type Workload, workloads } from '../measure/workloads.ts';

const workload = workloads.find(({ id }) => id === 'varlen-f32') as Workload;
const longest = maxLength(workload, 'seqlenQ');
const padding = (longest * workload.sequences.length) / totalTokens(workload, 'seqlenQ');

/** Compares one batch of texts as packed rows and padded to the longest; a causal mask makes padding right without lengths. */
export function paddedAndPacked(): Contestant[] {
  return [
    {
      name: 'padded',
      how: `attention(q, k, v, { causal: true }), ${padding.toFixed(2)} tokens for one`,
      prepare: async (gpu) => padded(gpu),
    },
    {
      name: 'packed',
      how: 'varlenAttention(q, k, v, { cuSeqlensQ, causal: true })',
      atMost: 1 / (0.8 * padding),
      prepare: async (gpu) => packed(gpu),
    },
  ];
}

function padded(gpu: Gpu): Job {
  const { headDim, headsQ, headsKv } = workload;
  const lengths = lengthsOf(workload, 'seqlenQ');
  const batch = lengths.length;
  const upload = (x: Float32Array, heads: number): Tensor => {
    const rows = padRows(x, lengths, longest, heads * headDim);
    const shape = [batch, heads, longest, headDim];
    return gpu.tensor(swapMiddle(rows, [batch, longest, heads, headDim]), { shape });
  };
  const { q, k, v } = problemOf(workload);
  return job(
    [upload(q, headsQ), upload(k, headsKv), upload(v, headsKv)],
    (qkv) => attention(...qkv, { causal: true }).out,
    (out) => {
      const rows = swapMiddle(out, [batch, headsQ, longest, headDim]);
      return unpadRows(rows, lengths, longest, headsQ * headDim);
    },
  );
}

function packed(gpu: Gpu): Job {
  const { headDim, headsQ, headsKv } = workload;
  const cuSeqlensQ = cuSeqlens(lengthsOf(workload, 'seqlenQ'));
  const upload = (x: Float32Array, heads: number): Tensor =>
    gpu.tensor(x, { shape: [x.length / (heads * headDim), heads, headDim] });
  const { q, k, v } = problemOf(workload);
  return job(
    [upload(q, headsQ), upload(k, headsKv), upload(v, headsKv)],
    (qkv) => varlenAttention(...qkv, { cuSeqlensQ, causal: true }).out,
    (out) => out,
  );
}

type Operands = readonly [q: Tensor, k: Tensor, v: Tensor];

function job(
  qkv: Operands,
  call: (qkv: Operands) => Tensor,
  tokenMajor: (out: Float32Array) => Float32Array,
): Job {
  let latest = new Float32Array();
  return {
    run: async () => {
      using out = call(qkv);
      latest = (await out.read()) as Float32Array<ArrayBuffer>;
    },
    check: () => judge('heed', workload, tokenMajor(latest), expectedOf(problemOf(workload))),
    dispose: () => qkv.forEach((tensor) => tensor.dispose()),
  };
}
