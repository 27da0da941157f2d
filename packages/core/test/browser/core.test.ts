// The same tests as in Node, on the browser's own WebGPU.
import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';
import '../gpu/bind-tensor.test.ts';
import '../gpu/dispatch.test.ts';
import '../gpu/gpu-faults.test.ts';
import '../gpu/open-gpu.test.ts';
import '../gpu/profile.test.ts';
import '../gpu/scope.test.ts';
import '../gpu/tensor.test.ts';

it('the README’s example for browsers runs on a device and a buffer of its own', async () => {
  const calls = await printedBy(() => import('../examples/browser.ts'));
  expect(calls).toEqual([[[4, 2, 64], new Float32Array(512)]]);
});
