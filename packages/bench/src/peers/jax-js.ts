import type * as JaxModule from '@jax-js/jax';
import {
  lengthsOf,
  maxLength,
  type Peer,
  type Prepared,
  type Problem,
  type Unsupported,
} from '../measure/bench-problem.ts';
import { padRows, unpadRows } from '../measure/row-layouts.ts';

export type Jax = typeof JaxModule;
export type JaxArray = JaxModule.Array;

/** Options of jax-js's attention. */
export interface JaxAttention {
  /** Its diagonal and its window are tied to the start. */
  readonly isCausal?: boolean;
  readonly localWindowSize?: [left: number, right: number];
  /** Query heads per kv head: keys and values are repeated this number of times. */
  readonly group?: number;
}

/** Loads jax-js on `navigator.gpu`; resolves to the reason if that fails. */
export async function loadJax(): Promise<Jax | { readonly unsupported: string }> {
  const jax = await import('@jax-js/jax');
  if (!(await jax.init('webgpu')).includes('webgpu'))
    return { unsupported: 'jax-js found no WebGPU device' };
  jax.defaultDevice('webgpu');
  return jax;
}

/** The inputs of a gradient of jax-js: q [B, L, Hq, D], k and v [B, L, Hkv, D], and possibly a bias [B, Hq, Lq, Lk]. */
type JaxInputs = readonly [q: JaxArray, k: JaxArray, v: JaxArray, bias?: JaxArray];

/** A function under `jit`: takes dOut and the inputs, all of which it consumes, and returns the gradients with respect to the inputs. */
interface JaxGradient {
  (dOut: JaxArray, ...inputs: JaxInputs): JaxArray[];
  dispose(): void;
}

/** Returns the gradient of `nn.dotProductAttention`, by jax-js's own differentiation. */
export function jaxGradient({ numpy: np, nn, jit, vjp }: Jax, options: JaxAttention): JaxGradient {
  const { group = 1, ...rest } = options;
  const repeated = (x: JaxArray): JaxArray => (group === 1 ? x : np.repeat(x, group, 2));
  const attention = (q: JaxArray, k: JaxArray, v: JaxArray, bias?: JaxArray): JaxArray =>
    nn.dotProductAttention(q, repeated(k), repeated(v), bias ? { ...rest, bias } : rest);
  const gradient = (dOut: JaxArray, ...inputs: JaxArray[]): JaxArray[] => {
    const [out, backward] = vjp(attention as (...inputs: JaxArray[]) => JaxArray, inputs);
    out.dispose();
    return backward(dOut);
  };
  return jit(gradient) as unknown as JaxGradient;
}

/** jax-js: `nn.dotProductAttention` under `jit`, on `navigator.gpu`. Packed rows run as a padded batch with lengths. */
export function jaxPeer(version: string): Peer {
  let jax: Jax | undefined;
  return {
    name: 'jax-js',
    version,
    async available() {
      const loaded = await loadJax();
      if ('unsupported' in loaded) return loaded.unsupported;
      jax = loaded;
      return undefined;
    },
    device: () => opened(jax).getWebGPUDevice(),
    async prepare(problem) {
      return prepare(opened(jax), problem);
    },
    async close() {},
  };
}

function opened(jax: Jax | undefined): Jax {
  if (jax === undefined) throw new Error('jax-js: needs available() first.');
  return jax;
}

function prepare(jax: Jax, problem: Problem): Prepared | Unsupported {
  const { workload } = problem;
  const { headsQ, headDim, causal, layout, window, sinks } = workload;
  if (layout === 'paged') return { unsupported: 'has no pages' };
  if (sinks) return { unsupported: 'its attention has no sinks' };
  const [maxQ, maxK] = [maxLength(workload, 'seqlenQ'), maxLength(workload, 'seqlenK')];
  // The causal diagonal of jax-js is tied to the start; a single query row at the end of the keys sees all of them.
  if (causal && maxQ !== maxK && maxQ !== 1)
    return { unsupported: 'its causal diagonal is tied to the start' };
  if (window !== undefined && maxQ !== maxK)
    return { unsupported: 'its window is tied to the start' };
  const isCausal = causal && maxQ > 1;
  const inputs = upload(jax, problem);
  const lengths = layout === 'packed' ? uploadLengths(jax, problem) : undefined;
  const { numpy: np, nn } = jax;

  const localWindow =
    window === undefined ? {} : { localWindowSize: [window, 0] as [number, number] };
  const call = jax.jit(
    (
      q: JaxArray,
      k: JaxArray,
      v: JaxArray,
      querySeqLengths?: JaxArray,
      keyValueSeqLengths?: JaxArray,
    ) => {
      const options =
        querySeqLengths && keyValueSeqLengths
          ? { isCausal, querySeqLengths, keyValueSeqLengths, ...localWindow }
          : { isCausal, ...localWindow };
      return nn.dotProductAttention(q, k, v, options).astype(np.float32);
    },
  );
  const args = [...inputs, ...(lengths ?? [])];
  let latest = new Float32Array();
  return {
    how:
      layout === 'packed'
        ? 'jit(nn.dotProductAttention), padded batch with lengths'
        : 'jit(nn.dotProductAttention)',
    async run() {
      const [q, k, v, ...rest] = args.map((array) => array.ref) as [
        JaxArray,
        JaxArray,
        JaxArray,
        ...JaxArray[],
      ];
      latest = (await call(q, k, v, ...rest).data()) as Float32Array<ArrayBuffer>;
    },
    result: () => unpadRows(latest, lengthsOf(workload, 'seqlenQ'), maxQ, headsQ * headDim),
    async dispose() {
      for (const array of args) array.dispose();
      call.dispose();
    },
  };
}

function upload({ numpy: np }: Jax, { workload, q, k, v }: Problem): JaxArray[] {
  const { headsQ, headsKv, headDim, sequences, dtype } = workload;
  const array = (x: Float32Array, heads: number, lengthName: 'seqlenQ' | 'seqlenK'): JaxArray => {
    const seqlen = maxLength(workload, lengthName);
    const padded = padRows(x, lengthsOf(workload, lengthName), seqlen, heads * headDim);
    const tensor = np
      .array(padded as Float32Array<ArrayBuffer>)
      .reshape([sequences.length, seqlen, heads, headDim]);
    return dtype === 'f16' ? tensor.astype(np.float16) : tensor;
  };
  return [array(q, headsQ, 'seqlenQ'), array(k, headsKv, 'seqlenK'), array(v, headsKv, 'seqlenK')];
}

function uploadLengths({ numpy: np }: Jax, { workload }: Problem): JaxArray[] {
  const array = (lengthName: 'seqlenQ' | 'seqlenK'): JaxArray =>
    np.array(Int32Array.from(lengthsOf(workload, lengthName)), { dtype: np.int32 });
  return [array('seqlenQ'), array('seqlenK')];
}
