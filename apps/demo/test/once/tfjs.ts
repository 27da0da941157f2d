import type { Gpu } from '@heed/core';
import { testGpu } from '@heed/testing/gpu';
import { useTfjs } from '../../src/transformer/backend.ts';

/** TensorFlow.js on the device that all tests share. */
export async function testTfjs(): Promise<Gpu> {
  const gpu = await testGpu();
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  if ('gpu' in navigator) {
    await useTfjs(gpu);
    return gpu;
  }
  // TensorFlow.js asks no more of navigator.gpu than to be there; other tests look for their adapter there.
  Object.defineProperty(navigator, 'gpu', { value: {}, configurable: true });
  try {
    await useTfjs(gpu);
  } finally {
    delete (navigator as { gpu?: unknown }).gpu;
  }
  return gpu;
}
