import { UnsupportedError } from '@heed/core';
import { attention, openTfjs } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';

class OtherBackend extends tf.KernelBackend {
  override dispose(): void {}
}

it('says what to do where the backend is not WebGPU', async () => {
  await expect(openTfjs()).rejects.toThrow(UnsupportedError);
  await expect(openTfjs()).rejects.toThrow(/must be 'webgpu'; got none/);
  tf.registerBackend('other', () => new OtherBackend());
  await tf.setBackend('other');
  const none = undefined as never;
  expect(() => attention(none, none, none)).toThrow(
    /the active backend of TensorFlow.js must be 'webgpu'; got 'other'.*tf.setBackend\('webgpu'\)/,
  );
});
