import { attention } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { normal, testTfjs, type Tfjs } from '../fixture.ts';
import { formula } from '../reference.ts';

let tfjs: Tfjs;
beforeAll(async () => {
  tfjs = await testTfjs();
});

/** TensorFlow.js, heed, TensorFlow.js, heed: each reads what the one before wrote. */
function chain(x: tf.Tensor, attend: typeof attention): tf.Tensor {
  const first = tf.add(tf.mul(x, 0.5), 1);
  const second = tf.mul(attend(first, tf.neg(first), x), 3);
  return tf.sub(attend(second, x, tf.square(second)), second);
}

const batches: Readonly<Record<string, <T>(fn: () => T) => T>> = {
  'one after the other': (fn) => fn(),
  'in a batch of heed’s': (fn) => tfjs.gpu.batch(fn),
};

describe.for(Object.entries(batches))('operations %s', ([, run]) => {
  it('run in the order in which they were called', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const [got, want] = run(() =>
        tf.tidy<[tf.Tensor, tf.Tensor]>(() => {
          const x = normal(seed, [2, 2, 13, 8]);
          return [chain(x, attention), chain(x, formula)];
        }),
      );
      expect(await got.data()).toMatchTensor((await want.data()) as Float32Array, {
        tolerance: 2e-5,
      });
      tf.dispose([got, want]);
    }
  });
});
