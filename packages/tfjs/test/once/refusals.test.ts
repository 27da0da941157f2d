import { openGpu, UnsupportedError, ValidationError } from '@heed/core';
import { takeGpuErrors } from '@heed/testing';
import { attention, flexAttention, heedTensor, openTfjs, tfTensor } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { formula, normal, testTfjs, type Tfjs, useDevice } from '../tfjs-fixture.ts';

let tfjs: Tfjs;
let x: tf.Tensor;
beforeAll(async () => {
  tfjs = await testTfjs();
  x = normal(1, [1, 2, 5, 8]);
});

describe('a call is refused', () => {
  it('with a tensor of heed’s', () => {
    const heed = heedTensor(x) as never;
    expect(() => attention(x, heed, x)).toThrow(ValidationError);
    expect(() => attention(x, heed, x)).toThrow(/k must be a tf.Tensor; got a heed Tensor/);
  });

  it('with what is no tensor', () => {
    expect(() => attention(x, x, [1, 2] as never)).toThrow(/v must be a tf.Tensor; got 1,2/);
    expect(() => attention(x, x, x, null as never)).toThrow(/options must be an object; got null/);
  });

  it('with a disposed tensor, wherever it stands', () => {
    const gone = normal(2, [2]);
    gone.dispose();
    expect(() => attention(x, x, x, { sinks: gone })).toThrow(/sinks \[2\] was disposed/);
    const captures = { bias: gone };
    expect(() => flexAttention(x, x, x, { captures, scoreMod: (s) => s })).toThrow(
      /captures.bias \[2\] was disposed/,
    );
  });

  it('with a dtype that is not on the GPU', () => {
    const complex = tf.complex(x, x);
    expect(() => attention(complex, x, x)).toThrow(UnsupportedError);
    expect(() => attention(complex, x, x)).toThrow(/q must be float32, int32 or bool; got complex/);
  });

  it('with heed’s reasons, for what heed refuses', () => {
    const short = normal(3, [1, 2, 5, 4]);
    expect(() => attention(x, short, x)).toThrow(ValidationError);
    const ints = tf.cast(x, 'int32');
    expect(() => attention(ints, x, x)).toThrow(/q must be f32 or f16 or bf16; got i32/);
    for (const beyond of [2n ** 31n, -(2n ** 31n) - 1n]) {
      const seqUsedK = BigInt64Array.of(beyond);
      const call = () => attention(x, x, x, { seqUsedK });
      expect(call).toThrow(`seqUsedK must fit in 32 bits; got ${beyond}n`);
    }
    const options = { causal: true } as never;
    expect(() => flexAttention(x, x, x, options)).toThrow(
      /maskMod: causal from @heed\/flex\/masks/,
    );
  });

  it('with an option that the function does not have', async () => {
    const unknown = { isCausal: true } as never;
    expect(() => attention(x, x, x, unknown)).toThrow(ValidationError);
    expect(() => attention(x, x, x, unknown)).toThrow(/no isCausal in options; .* mean causal\?/);
    expect(() => flexAttention(x, x, x, { mask_mod: 1 } as never)).toThrow(/mean maskMod\?/);
    expect(() => attention(x, x, x, { maskMod: 1 } as never)).toThrow(/option of flexAttention/);
    await expect(openTfjs({ device: 1 } as never)).rejects.toThrow(/no device in options/);
  });

  it('that asks for another result', () => {
    for (const options of [{ returnLse: true }, { out: heedTensor(x) }]) {
      expect(() => attention(x, x, x, options as never)).toThrow(
        /is an option of the function in heed’s own package/,
      );
    }
  });

  it('without leaving a tensor behind', () => {
    const { numTensors } = tf.memory();
    const short = normal(3, [1, 2, 5, 4]);
    expect(() => attention(x, short, x)).toThrow(ValidationError);
    short.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

it('a second derivative is refused', () => {
  const first = (y: tf.Tensor): tf.Tensor => tf.grad((z) => attention(z, x, x))(y);
  expect(() => tf.grad(first)(x)).toThrow(UnsupportedError);
  expect(() => tf.grad(first)(x)).toThrow(/only first derivatives/);
});

describe('a copy to TensorFlow.js is refused', () => {
  it('of a view with gaps', () => {
    const view = heedTensor(x).permute([0, 2, 1, 3]);
    expect(() => tfTensor(view)).toThrow(/must be row-major without gaps; got strides/);
  });

  it('of a type that it has not', () => {
    const half = tfjs.gpu.tensor([1, 2], { shape: [2], dtype: 'f16' });
    expect(() => tfTensor(half)).toThrow(/has float32 and int32 on the GPU; got f16/);
    half.dispose();
  });

  it('of another device', async () => {
    using other = await openGpu();
    const theirs = other.tensor([1], { shape: [1] });
    expect(() => tfTensor(theirs)).toThrow(/belongs to another device/);
    expect(() => heedTensor(other, x)).toThrow(
      /heedTensor: gpu must be on the device of TensorFlow.js's backend; got "heed" on another/,
    );
    await expect(openTfjs({ gpu: other })).rejects.toThrow(
      /must be on the device of TensorFlow.js's backend; got "heed" on another device/,
    );
  });
});

/** Requests a device as TensorFlow.js does, without the features that heed uses. */
async function plainDevice(): Promise<GPUDevice> {
  const { create } = await import('webgpu');
  const dawn = create([]);
  (globalThis as { dawn?: GPU }).dawn = dawn; // Dawn's devices live no longer than it
  return (await dawn.requestAdapter())!.requestDevice();
}

it('runs on the device of a backend that TensorFlow.js made, opened once', async () => {
  const backend = await useDevice(await plainDevice());
  const input = normal(1, [1, 2, 5, 8]);
  expect(() => attention(input, input, input)).toThrow(
    /heed is not open on this backend.*await openTfjs\(\)/,
  );

  const gpu = await openTfjs();
  expect(gpu.device).toBe(backend.device);
  expect(await openTfjs()).toBe(gpu);
  const want = (await formula(input, input, input).data()) as Float32Array;
  expect(await attention(input, input, input).data()).toMatchTensor(want, { tolerance: 2e-6 });

  gpu.dispose();
  expect(() => attention(input, input, input)).toThrow(/was disposed/);
  const again = await openTfjs();
  expect(again).not.toBe(gpu);
  expect(await attention(input, input, input).data()).toMatchTensor(want, { tolerance: 2e-6 });
  await again.settled();
  expect(takeGpuErrors()).toEqual([]);
});

it('runs on a device that heed opened', async () => {
  using gpu = await openGpu();
  await useDevice(gpu.device);
  expect(await openTfjs({ gpu })).toBe(gpu);
  const input = normal(1, [1, 2, 5, 8]);
  expect(await attention(input, input, input).data()).toHaveLength(input.size);
});
