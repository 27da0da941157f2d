import type { Tensor as HeedTensor } from '@heed/core';
import { andMasks, type MaskMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { flexAttention } from '@heed/tfjs';
import {
  logSoftmax,
  mul,
  neg,
  oneHot,
  type Scalar,
  sum,
  type Tensor,
  tensor,
  type Tensor1D,
  tensor1d,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import type { Batch } from '../../text/packing.ts';
import type { ModelConfig } from '../../transformer/model-config.ts';
import {
  type RotaryAngles,
  rotate,
  type TokenAngles,
  tokenAngles,
} from '../../transformer/rotary-angles.ts';
import {
  type AttentionInputs,
  attentionInputs,
  attentionOutput,
  embed,
  logits,
  mlp,
  type Weights,
} from '../../transformer/transformer-layers.ts';

/** A batch on the GPU; T = rows · length. */
export interface DeviceBatch {
  /** [T] int32 */
  readonly ids: Tensor1D;
  /** [T] int32 */
  readonly targets: Tensor1D;
  /** [rows, length] int32 */
  readonly documents: Tensor;
  /** [T] */
  readonly isText: Tensor1D;
  readonly angles: TokenAngles;
  /** [rows + 1]: the first token of each row, and the end. */
  readonly cuSeqlens: Int32Array;
  /** The number of text tokens among the T. */
  readonly tokens: number;
}

/** Uploads a batch; the tidy around the call disposes its tensors. */
export function uploadBatch(config: ModelConfig, angles: RotaryAngles, batch: Batch): DeviceBatch {
  const { rows, length, tokens } = batch;
  return {
    ids: tensor1d(batch.ids, 'int32'),
    targets: tensor1d(batch.targets, 'int32'),
    documents: tensor(batch.documents, [rows, length], 'int32'),
    isText: tensor1d(batch.isText),
    angles: tokenAngles(config, angles, batch.positions),
    cuSeqlens: Int32Array.from({ length: rows + 1 }, (_, i) => i * length),
    tokens,
  };
}

/** Like heed's `document`, with separate ids for each row: `id` is [rows, length]. */
const sameDocument: MaskMod<{ id: HeedTensor }> = (b, h, q, kv, { id }) => id[b]![q] === id[b]![kv];

const maskMod: MaskMod<{ id: HeedTensor }> = andMasks(causal, sameDocument);

/**
 * Computes causal attention within each document. One kernel computes it per pass, and skips key tiles that the mask hides, such as
 * other documents.
 * @returns [T, heads, headDim]
 */
function attend({ q, k, v }: AttentionInputs, batch: DeviceBatch): Tensor {
  const { angles, cuSeqlens, documents } = batch;
  return flexAttention(rotate(q, angles), rotate(k, angles), v, {
    cuSeqlensQ: cuSeqlens,
    maskMod,
    captures: { id: documents },
  });
}

/** Computes attention over a batch. Only tests replace heed's. */
export type Attend = (inputs: AttentionInputs, batch: DeviceBatch) => Tensor;

/** Returns the logits of the token after each token, [T, vocabSize]. */
export function forward(
  config: ModelConfig,
  weights: Weights,
  batch: DeviceBatch,
  attention: Attend = attend,
): Tensor2D {
  let x = embed(weights, batch.ids);
  for (let layer = 0; layer < config.layers; layer++) {
    const attended = attention(attentionInputs(config, weights, layer, x), batch);
    x = attentionOutput(config, weights, layer, x, attended);
    x = mlp(config, weights, layer, x);
  }
  return logits(config, weights, x);
}

/**
 * Returns the cross entropy in nats, summed over the text tokens.
 * @param scores [T, vocabSize]
 */
export function lossSum(scores: Tensor2D, { targets, isText }: DeviceBatch): Scalar {
  const told = oneHot(targets, scores.shape[1]);
  const logLikelihood = sum(mul(logSoftmax(scores), told), -1);
  return neg(sum<Scalar>(mul(logLikelihood, isText)));
}
