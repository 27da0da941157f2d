// The same tests as in Node, on the browser's own WebGPU.
import { opfsStore } from '@heed/kvcache/browser';
import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';
import { opfsStoreExample } from '../examples/docstrings.ts';
import '../gpu/cache/paged-attention.test.ts';
import '../gpu/cache/stores.test.ts';
import '../gpu/cache/views.test.ts';
import '../gpu/kernels/append-rows.test.ts';
import '../gpu/kernels/page-kernels.test.ts';
import '../gpu/kernels/rotate.test.ts';

// The same tests as in Node, on the browser's own WebGPU.

it('the example in the docstring of opfsStore prints what it says', async () => {
  expect(await printedBy(() => opfsStoreExample(opfsStore))).toEqual([[2]]);
});
