import type { Gpu, Tensor } from '@heed/core';
import {
  expected,
  naiveAttention,
  type NdArray,
  random,
  type ReferenceOptions,
  referenceAttention,
} from '@heed/conformance/reference';
import { maxErrorOf } from '../measure/verdict.ts';
import type { Contestant, Distance, Job } from '../measure/bench-results.ts';

/** A dense f32 problem of one batch entry. Every contestant gets the same numbers. */
export interface DenseInputs {
  readonly shape: readonly [batch: 1, heads: number, seqlen: number, headDim: number];
  readonly q: NdArray;
  readonly k: NdArray;
  readonly v: NdArray;
}

export function denseInputs(heads: number, seqlen: number, headDim: number): DenseInputs {
  const shape = [1, heads, seqlen, headDim] as const;
  const source = random(23);
  const array = (): NdArray => ({
    shape,
    data: Float32Array.from({ length: heads * seqlen * headDim }, () => source.normal()),
  });
  return { shape, q: array(), k: array(), v: array() };
}

/** The call of a contestant, and its problem for the float64 reference. */
export interface DenseCall extends Omit<Contestant, 'prepare'> {
  readonly reference: ReferenceOptions;
  /** [1]: number of keys in use, if not all are. */
  readonly seqUsedK?: Int32Array;
  /** Makes the captures of the call. */
  readonly call: (gpu: Gpu, owned: (tensor: Tensor) => Tensor) => (qkv: Operands) => Tensor;
}

type Operands = readonly [q: Tensor, k: Tensor, v: Tensor];

/** A call of heed over dense inputs, judged by its last rows, which see the most keys. */
export function denseContestant(
  makeInputs: () => DenseInputs,
  { reference, seqUsedK, call, ...rest }: DenseCall,
): Contestant {
  return {
    ...rest,
    async prepare(gpu): Promise<Job> {
      const inputs = makeInputs();
      const tensors: Tensor[] = [];
      const owned = (tensor: Tensor): Tensor => {
        tensors.push(tensor);
        return tensor;
      };
      const [q, k, v] = [inputs.q, inputs.k, inputs.v].map(({ data }) =>
        owned(gpu.tensor(data, { shape: [...inputs.shape] })),
      ) as [Tensor, Tensor, Tensor];
      const run = call(gpu, owned);
      let latest = new Float32Array();
      return {
        run: async () => {
          using out = run([q, k, v]);
          latest = (await out.read()) as Float32Array<ArrayBuffer>;
        },
        check: () => distance(inputs, reference, latest, seqUsedK),
        dispose: () => tensors.forEach((tensor) => tensor.dispose()),
      };
    },
  };
}

const CHECKED_ROWS = 16;

/** Returns the largest distance of an output's last rows ([1, H, L, D]) from float64. */
export function distance(
  { shape: [, heads, seqlen, headDim], q, k, v }: DenseInputs,
  options: ReferenceOptions,
  out: Float32Array,
  seqUsedK?: Int32Array,
): Distance {
  const tail = (x: Float32Array | Float64Array): Float32Array =>
    Float32Array.from({ length: heads * CHECKED_ROWS * headDim }, (_, i) => {
      const head = Math.floor(i / (CHECKED_ROWS * headDim));
      return x[(head * seqlen + seqlen - CHECKED_ROWS) * headDim + (i % (CHECKED_ROWS * headDim))]!;
    });
  const rows = { shape: [1, heads, CHECKED_ROWS, headDim], data: tail(q.data) };
  const problem = { q: rows, k, v, options, ...(seqUsedK && { seqUsedK }) };
  const want = expected(referenceAttention(problem), naiveAttention(problem), 'f32');
  return { maxError: maxErrorOf(tail(out), want.out.data), limit: want.budgets.out.limit };
}
