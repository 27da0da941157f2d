import { heedTensor, tfTensor } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { testTfjs, type Tfjs } from '../fixture.ts';

let tfjs: Tfjs;
beforeAll(async () => {
  tfjs = await testTfjs();
});

it.for([
  ['float32', 'f32', [1.5, -2, 3]],
  ['int32', 'i32', [1, -2, 3]],
  ['bool', 'i32', [1, 0, 1]],
] as const)('a tensor of %s is heed’s %s in the same memory', async ([dtype, type, data]) => {
  const x = tf.tensor([...data], [3], dtype);
  const heed = heedTensor(x);
  expect([heed.dtype, heed.shape]).toEqual([type, [3]]);
  expect([...(await heed.read())]).toEqual(data);
  expect(heed.buffer).toBe(tfjs.backend.tensorMap.get(x.dataId).resource);
});

it('heed reads what TensorFlow.js has only recorded so far', async () => {
  const x = tf.add(tf.tensor([1, 2, 3, 4], [2, 2]), 1);
  expect([...(await heedTensor(x).read())]).toEqual([2, 3, 4, 5]);
});

it('a copy of heed’s tensor is TensorFlow.js’s own', async () => {
  const whole = tfjs.gpu.tensor([1, 2, 3, 4, 5, 6], { shape: [3, 2] });
  const copies = [tfTensor(whole), tfTensor(whole.slice(0, 1, 3))];
  const int = tfTensor(tfjs.gpu.tensor([7], { shape: [1], dtype: 'i32' }));
  whole.dispose();
  tfjs.gpu.tensor([9, 9, 9, 9, 9, 9], { shape: [3, 2] }); // takes the memory that was freed
  expect(copies.map(({ shape }) => shape)).toEqual([
    [3, 2],
    [2, 2],
  ]);
  expect([...(await copies[0]!.data())]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...(await tf.mul(copies[1]!, 2).data())]).toEqual([6, 8, 10, 12]);
  expect([int.dtype, ...(await int.data())]).toEqual(['int32', 7]);
  const { numTensors, numDataBuffers } = tf.memory();
  tf.dispose([...copies, int]);
  expect(tf.memory()).toMatchObject({
    numTensors: numTensors - 3,
    numDataBuffers: numDataBuffers - 3,
  });
});
