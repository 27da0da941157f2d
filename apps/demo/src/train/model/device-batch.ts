import { dispose, tensor, type Tensor, tensor1d, type Tensor1D } from '@tensorflow/tfjs-core';
import type { Batch } from '../../text/batch.ts';
import type { ModelConfig } from '../../transformer/config.ts';
import { type RotaryAngles, tokenAngles, type TokenAngles } from '../../transformer/rope.ts';

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
  /** [rows + 1]: where rows begin and end. */
  readonly cuSeqlens: Int32Array;
  /** How many of T are text. */
  readonly tokens: number;
}

/** A batch's tensors, to be freed by {@link disposeBatch} or a tidy. */
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

export function disposeBatch({ ids, targets, documents, isText, angles }: DeviceBatch): void {
  dispose([ids, targets, documents, isText, angles.cos, angles.sin]);
}
