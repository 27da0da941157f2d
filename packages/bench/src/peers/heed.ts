import type { Gpu, Tensor } from '@heed/core';
import { attention, varlenAttention } from '@heed/kernels-wgsl';
import type { Problem } from '../inputs.ts';
import { swapMiddle } from '../layouts.ts';
import { cuSeqlens, lengthsOf } from '../lengths.ts';
import { packageVersion } from '../package-version.ts';
import type { Peer, Prepared } from '../peer.ts';

/** heed itself: `attention` for dense rows, `varlenAttention` for packed ones. `open` gives the device, once. */
export function heedPeer(open: () => Promise<Gpu>): Peer {
  let opened: Promise<Gpu> | undefined;
  const gpu = (): Promise<Gpu> => (opened ??= open());
  return {
    name: 'heed',
    version: packageVersion('@heed/kernels-wgsl'),
    async available() {
      await gpu();
      return undefined;
    },
    async prepare(problem) {
      const dense = problem.workload.layout === 'dense';
      return dense ? prepareDense(await gpu(), problem) : preparePacked(await gpu(), problem);
    },
    async close() {
      (await opened)?.dispose();
    },
  };
}

function prepareDense(gpu: Gpu, { workload, ...data }: Problem): Prepared {
  const { sequences, headsQ, headsKv, headDim, dtype, causal } = workload;
  const batch = sequences.length;
  const upload = (x: Float32Array, heads: number): Tensor => {
    const seqlen = x.length / (batch * heads * headDim);
    return gpu.tensor(swapMiddle(x, [batch, seqlen, heads, headDim]), {
      shape: [batch, heads, seqlen, headDim],
      dtype,
    });
  };
  const [q, k, v] = [upload(data.q, headsQ), upload(data.k, headsKv), upload(data.v, headsKv)];
  const [, , seqlenQ = 0] = q.shape;
  const out = gpu.empty([batch, headsQ, seqlenQ, headDim], { dtype });
  return prepared({
    how: 'attention(q, k, v)',
    tensors: [q, k, v, out],
    call: () => attention(q, k, v, { causal, out }).out,
    tokenMajor: (values) => swapMiddle(values, [batch, headsQ, seqlenQ, headDim]),
  });
}

function preparePacked(gpu: Gpu, { workload, ...data }: Problem): Prepared {
  const { headsQ, headsKv, headDim, dtype, causal } = workload;
  const upload = (x: Float32Array, heads: number): Tensor =>
    gpu.tensor(x, { shape: [x.length / (heads * headDim), heads, headDim], dtype });
  const [q, k, v] = [upload(data.q, headsQ), upload(data.k, headsKv), upload(data.v, headsKv)];
  const out = gpu.empty([...q.shape], { dtype });
  const cuSeqlensQ = cuSeqlens(lengthsOf(workload, 'seqlenQ'));
  const cuSeqlensK = cuSeqlens(lengthsOf(workload, 'seqlenK'));
  return prepared({
    how: 'varlenAttention(q, k, v)',
    tensors: [q, k, v, out],
    call: () => varlenAttention(q, k, v, { cuSeqlensQ, cuSeqlensK, causal, out }).out,
    tokenMajor: (values) => values,
  });
}

interface Job {
  readonly how: string;
  readonly tensors: readonly Tensor[];
  readonly call: () => Tensor;
  readonly tokenMajor: (values: Float32Array) => Float32Array;
}

function prepared({ how, tensors, call, tokenMajor }: Job): Prepared {
  let latest = new Float32Array();
  return {
    how,
    async run() {
      latest = (await call().read()) as Float32Array<ArrayBuffer>;
    },
    result: () => tokenMajor(latest),
    async dispose() {
      for (const tensor of tensors) tensor.dispose();
    },
  };
}
