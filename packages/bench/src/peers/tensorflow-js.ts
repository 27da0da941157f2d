import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as TfModule from '@tensorflow/tfjs-core';
import {
  lengthsOf,
  maxLength,
  type Peer,
  type Prepared,
  type Problem,
  type LengthName,
  type Unsupported,
} from '../measure/bench-problem.ts';
import { padRows, swapMiddle, unpadRows } from '../measure/row-layouts.ts';
import type { Workload } from '../measure/workloads.ts';

type Tf = typeof TfModule;
type Tensor = TfModule.Tensor;

/** TensorFlow.js on its WebGPU backend. It has no attention operator: matMul, softmax, matMul, with a mask if needed. */
export function tensorflowPeer(version: string): Peer {
  let tf: Tf | undefined;
  return {
    name: 'tfjs',
    version,
    async available() {
      tf = await import('@tensorflow/tfjs-core');
      // The import registers the backend `webgpu`, on navigator.gpu.
      await import('@tensorflow/tfjs-backend-webgpu');
      return (await tf.setBackend('webgpu'))
        ? undefined
        : 'TensorFlow.js could not start its WebGPU backend';
    },
    device: () => (opened(tf).backend() as WebGPUBackend).device,
    async prepare(problem) {
      const { dtype, layout, sinks } = problem.workload;
      if (dtype !== 'f32') return { unsupported: 'computes in f32 only' };
      if (layout === 'paged') return { unsupported: 'has no pages' };
      if (sinks) return { unsupported: 'its softmax has no sinks' };
      return prepare(opened(tf), problem);
    },
    async close() {},
  };
}

function opened(tf: Tf | undefined): Tf {
  if (tf === undefined) throw new Error('tfjs: needs available() first.');
  return tf;
}

function prepare(tf: Tf, problem: Problem): Prepared | Unsupported {
  const { workload } = problem;
  const { headsQ, headsKv, headDim, sequences } = workload;
  const [batch, group] = [sequences.length, headsQ / headsKv];
  const [maxQ, maxK] = [maxLength(workload, 'seqlenQ'), maxLength(workload, 'seqlenK')];
  const scale = 1 / Math.sqrt(headDim);
  const { q, k, v, mask } = upload(tf, problem);

  // The query heads of a group are stacked as rows, so that k and v are not repeated.
  const call = (): Tensor =>
    tf.tidy(() => {
      const scores = tf.mul(tf.matMul(q, k, false, true), scale);
      const perHead = tf.reshape(scores, [batch, headsKv, group, maxQ, maxK]);
      const masked = mask === undefined ? perHead : tf.add(perHead, mask);
      return tf.matMul(tf.softmax(tf.reshape(masked, [batch, headsKv, group * maxQ, maxK])), v);
    });
  let latest = new Float32Array();
  return {
    how: mask === undefined ? 'matMul, softmax, matMul' : 'matMul, additive mask, softmax, matMul',
    async run() {
      const out = call();
      latest = (await out.data()) as Float32Array<ArrayBuffer>;
      out.dispose();
    },
    result() {
      const rows = swapMiddle(latest, [batch, headsQ, maxQ, headDim]);
      return unpadRows(rows, lengthsOf(workload, 'seqlenQ'), maxQ, headsQ * headDim);
    },
    async dispose() {
      tf.dispose(mask === undefined ? [q, k, v] : [q, k, v, mask]);
    },
  };
}

function upload(
  tf: Tf,
  { workload, ...data }: Problem,
): { q: Tensor; k: Tensor; v: Tensor; mask?: Tensor } {
  const { headsQ, headsKv, headDim, sequences } = workload;
  const batch = sequences.length;
  const headMajor = (x: Float32Array, heads: number, lengthName: LengthName): Tensor => {
    const seqlen = maxLength(workload, lengthName);
    const padded = padRows(x, lengthsOf(workload, lengthName), seqlen, heads * headDim);
    const rows = (seqlen * heads) / headsKv;
    return tf.tensor(swapMiddle(padded, [batch, seqlen, heads, headDim]), [
      batch,
      headsKv,
      rows,
      headDim,
    ]);
  };
  const mask = additiveMask(workload);
  const shape = [batch, 1, 1, maxLength(workload, 'seqlenQ'), maxLength(workload, 'seqlenK')];
  return {
    q: headMajor(data.q, headsQ, 'seqlenQ'),
    k: headMajor(data.k, headsKv, 'seqlenK'),
    v: headMajor(data.v, headsKv, 'seqlenK'),
    ...(mask === undefined ? {} : { mask: tf.tensor(mask, shape) }),
  };
}

const hidden = -1e9;

/**
 * Makes the mask [N, maxQ, maxK] of a padded batch: 0 where a query sees a key, −1e9 where it does not; undefined if every query sees
 * every key. Padding rows of q see key 0, so that no row of a softmax is empty.
 */
export function additiveMask(workload: Workload): Float32Array | undefined {
  const { sequences, causal, window = Infinity } = workload;
  const [maxQ, maxK] = [maxLength(workload, 'seqlenQ'), maxLength(workload, 'seqlenK')];
  const mask = new Float32Array(sequences.length * maxQ * maxK);
  let any = false;
  for (const [n, { seqlenQ, seqlenK }] of sequences.entries()) {
    for (let i = 0; i < maxQ; i++) {
      const visible = causal ? Math.min(seqlenK, Math.max(0, i + seqlenK - seqlenQ) + 1) : seqlenK;
      const row = (n * maxQ + i) * maxK;
      const hiddenBefore = Math.max(0, visible - 1 - window);
      if (visible < maxK || hiddenBefore > 0) any = true;
      mask.fill(hidden, row, row + hiddenBefore);
      mask.fill(hidden, row + visible, row + maxK);
    }
  }
  return any ? mask : undefined;
}
