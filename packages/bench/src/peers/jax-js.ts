import type * as JaxModule from '@jax-js/jax';
import type { Problem } from '../inputs.ts';
import { padRows, unpadRows } from '../layouts.ts';
import { lengthsOf, maxLength } from '../lengths.ts';
import type { Peer, Prepared, Unsupported } from '../peer.ts';

type Jax = typeof JaxModule;
type JaxArray = JaxModule.Array;

/** jax-js: `nn.dotProductAttention` under `jit`, on `navigator.gpu`. Packed rows run as a padded batch with lengths. */
export function jaxPeer(version: string): Peer {
  let jax: Jax | undefined;
  return {
    name: 'jax-js',
    version,
    async available() {
      jax = await import('@jax-js/jax');
      const devices = await jax.init('webgpu');
      if (!devices.includes('webgpu')) return 'jax-js found no WebGPU device';
      jax.defaultDevice('webgpu');
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
  // Its causal diagonal is tied to the start; one query row at the end of the keys sees all of them.
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
  const array = (x: Float32Array, heads: number, side: 'seqlenQ' | 'seqlenK'): JaxArray => {
    const seqlen = maxLength(workload, side);
    const padded = padRows(x, lengthsOf(workload, side), seqlen, heads * headDim);
    const tensor = np
      .array(padded as Float32Array<ArrayBuffer>)
      .reshape([sequences.length, seqlen, heads, headDim]);
    return dtype === 'f16' ? tensor.astype(np.float16) : tensor;
  };
  return [array(q, headsQ, 'seqlenQ'), array(k, headsKv, 'seqlenK'), array(v, headsKv, 'seqlenK')];
}

function uploadLengths({ numpy: np }: Jax, { workload }: Problem): JaxArray[] {
  const array = (side: 'seqlenQ' | 'seqlenK'): JaxArray =>
    np.array(Int32Array.from(lengthsOf(workload, side)), { dtype: np.int32 });
  return [array('seqlenQ'), array('seqlenK')];
}
