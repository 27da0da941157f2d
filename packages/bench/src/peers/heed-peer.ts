import type { Gpu, Tensor } from '@heed/core';
import { attention, type AttentionOptions, varlenAttention } from '@heed/kernels-wgsl';
import {
  cuSeqlens,
  inPages,
  lengthsOf,
  type Pages,
  type Peer,
  type Prepared,
  type Problem,
} from '../measure/bench-problem.ts';
import { swapMiddle } from '../measure/row-layouts.ts';

/** heed: `attention` for dense rows, `varlenAttention` for packed and paged ones. `open` is called once. */
export function heedPeer(version: string, open: () => Promise<Gpu>): Peer {
  let opened: Promise<Gpu> | undefined;
  const gpu = (): Promise<Gpu> => (opened ??= open());
  return {
    name: 'heed',
    version,
    async available() {
      await gpu();
      return undefined;
    },
    async prepare(problem) {
      return prepareBy[problem.workload.layout](await gpu(), problem);
    },
    async close() {
      (await opened)?.dispose();
    },
  };
}

/** The further options of a call, and the tensors among them. */
function optionsOf(
  gpu: Gpu,
  { workload: { causal, window, headsQ }, sinks }: Problem,
): { readonly options: AttentionOptions; readonly tensors: readonly Tensor[] } {
  const tensor = sinks && gpu.tensor(sinks, { shape: [headsQ] });
  return {
    options: {
      causal,
      ...(window !== undefined && { window: [window, 0] as const }),
      ...(tensor && { sinks: tensor }),
    },
    tensors: tensor ? [tensor] : [],
  };
}

function prepareDense(gpu: Gpu, problem: Problem): Prepared {
  const { workload, ...data } = problem;
  const { sequences, headsQ, headsKv, headDim, dtype } = workload;
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
  const { options, tensors } = optionsOf(gpu, problem);
  return prepared({
    how: 'attention(q, k, v)',
    tensors: [q, k, v, out, ...tensors],
    call: () => attention(q, k, v, { ...options, out }).out,
    tokenMajor: (values) => swapMiddle(values, [batch, headsQ, seqlenQ, headDim]),
  });
}

function preparePacked(gpu: Gpu, problem: Problem): Prepared {
  const { workload, ...data } = problem;
  const { headsQ, headsKv, headDim, dtype } = workload;
  const upload = (x: Float32Array, heads: number): Tensor =>
    gpu.tensor(x, { shape: [x.length / (heads * headDim), heads, headDim], dtype });
  const [q, k, v] = [upload(data.q, headsQ), upload(data.k, headsKv), upload(data.v, headsKv)];
  const out = gpu.empty([...q.shape], { dtype });
  const cuSeqlensQ = cuSeqlens(lengthsOf(workload, 'seqlenQ'));
  const cuSeqlensK = cuSeqlens(lengthsOf(workload, 'seqlenK'));
  const { options, tensors } = optionsOf(gpu, problem);
  const call = { ...options, cuSeqlensQ, cuSeqlensK, out };
  return prepared({
    how: 'varlenAttention(q, k, v)',
    tensors: [q, k, v, out, ...tensors],
    call: () => varlenAttention(q, k, v, call).out,
    tokenMajor: (values) => values,
  });
}

function preparePaged(gpu: Gpu, problem: Problem): Prepared {
  const { workload, ...data } = problem;
  const { headsQ, headsKv, headDim, dtype, sequences, pageSize = 1 } = workload;
  const q = gpu.tensor(data.q, {
    shape: [data.q.length / (headsQ * headDim), headsQ, headDim],
    dtype,
  });
  const [keys, values] = [data.k, data.v].map((x) => inPages(workload, x, headsKv * headDim)) as [
    Pages,
    Pages,
  ];
  const pool = (x: Float32Array): Tensor =>
    gpu.tensor(x, { shape: [keys.pages, pageSize, headsKv, headDim], dtype });
  const [k, v] = [pool(keys.pool), pool(values.pool)];
  // Block tables and lengths are on the GPU, as in a serving loop.
  const list = (x: Int32Array, shape: number[]): Tensor => gpu.tensor(x, { shape, dtype: 'i32' });
  const lists = {
    cuSeqlensQ: cuSeqlens(lengthsOf(workload, 'seqlenQ')),
    blockTable: list(keys.table, [sequences.length, keys.maxPages]),
    seqUsedK: list(Int32Array.from(lengthsOf(workload, 'seqlenK')), [sequences.length]),
  };
  const out = gpu.empty([...q.shape], { dtype });
  const { options, tensors } = optionsOf(gpu, problem);
  return prepared({
    how: 'varlenAttention(q, pool, pool, { blockTable, seqUsedK })',
    tensors: [q, k, v, out, lists.blockTable, lists.seqUsedK, ...tensors],
    call: () => varlenAttention(q, k, v, { ...options, ...lists, out }).out,
    tokenMajor: (x) => x,
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

/** Sets a problem up in heed, by layout. */
const prepareBy: Readonly<
  Record<Problem['workload']['layout'], (gpu: Gpu, problem: Problem) => Prepared>
> = { dense: prepareDense, packed: preparePacked, paged: preparePaged };
