import type { Gpu } from '@heed/core';
import { testGpu } from '@heed/testing';
import { afterAll, beforeAll } from 'vitest';
import { openGpuHost } from '../../src/measure/gpu-host.ts';
import { type Jax, loadJax } from '../../src/peers/jax-js.ts';

/** Opens heed and jax-js on the adapter that the tests run on, for the tests of a file. */
export function besideJax(): { readonly gpu: Gpu; readonly jax: Jax } {
  const opened = {} as { gpu: Gpu; jax: Jax };
  beforeAll(async () => {
    opened.gpu = await testGpu();
    // jax-js looks for WebGPU at navigator.gpu.
    await openGpuHost();
    const loaded = await loadJax();
    if ('unsupported' in loaded) throw new Error(loaded.unsupported);
    opened.jax = loaded;
  });
  afterAll(() => {
    Reflect.deleteProperty(globalThis.navigator, 'gpu');
  });
  return opened;
}
