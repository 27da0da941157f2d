import {
  concat,
  equal,
  logicalAnd,
  matMul,
  mul,
  range,
  reshape,
  softmax,
  type Tensor,
  transpose,
  where,
  fill,
  greaterEqual,
} from '@tensorflow/tfjs-core';
import { rotate } from '../../src/transformer/rope.ts';
import type { Attend } from '../../src/train/model/forward.ts';

/** The attention of the Train room in TensorFlow.js's own operations: all scores, then a mask. */
export const plainAttention: Attend = ({ q, k, v }, { angles, documents }) => {
  const [rows, length] = documents.shape as [number, number];
  const group = q.shape[1] / k.shape[1];
  const byHead = (x: Tensor, repeats: number): Tensor => {
    const [, heads, dim] = x.shape as [number, number, number];
    const parted = reshape(x, [rows, length, heads, 1, dim]);
    const all = concat(
      Array.from({ length: repeats }, () => parted),
      3,
    );
    return transpose(reshape(all, [rows, length, heads * repeats, dim]), [0, 2, 1, 3]);
  };
  const [queries, keys, values] = [
    byHead(rotate(q, angles), 1),
    byHead(rotate(k, angles), group),
    byHead(v, group),
  ] as [Tensor, Tensor, Tensor];
  const scores = mul(matMul(queries, keys, false, true), 1 / Math.sqrt(q.shape[2]));
  const at = range(0, length, 1, 'int32');
  const causal = greaterEqual(reshape(at, [1, 1, length, 1]), reshape(at, [1, 1, 1, length]));
  const same = equal(
    reshape(documents, [rows, 1, length, 1]),
    reshape(documents, [rows, 1, 1, length]),
  );
  const hidden = fill(scores.shape, -1e30);
  const out = matMul(softmax(where(logicalAnd(causal, same), scores, hidden)), values);
  return reshape(transpose(out, [0, 2, 1, 3]), q.shape);
};
