import { opfsStore } from '@heed/kvcache/browser';
import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';
import { opfsStoreExample } from '../examples/docstrings.ts';

it('the example in the docstring of opfsStore prints what it says', async () => {
  expect(await printedBy(() => opfsStoreExample(opfsStore))).toEqual([[2]]);
});
