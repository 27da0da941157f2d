import { ValidationError } from '@heed/core';
import { isTensor } from '@heed/core/kernel';
import { Tensor } from '@tensorflow/tfjs-core';

/** @throws ValidationError it is no tensor of TensorFlow.js, or it was disposed */
export function checkTfTensor(fn: string, name: string, x: unknown): Tensor {
  if (!(x instanceof Tensor)) {
    const got = isTensor(x) ? 'a heed Tensor' : String(x);
    const fix = isTensor(x) ? 'Call the function of @heed/flex.' : 'Make one with tf.tensor().';
    throw new ValidationError(`${fn}: ${name} must be a tf.Tensor; got ${got}. ${fix}`);
  }
  if (!x.isDisposed) return x;
  throw new ValidationError(
    `${fn}: ${name} [${x.shape.join(', ')}] was disposed. Keep it with tf.keep(), or make it outside of the tf.tidy() that ended.`,
  );
}
