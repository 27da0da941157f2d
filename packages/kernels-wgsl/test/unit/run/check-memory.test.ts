import { type Gpu, LimitError } from '@heed/core';
import { expect, it } from 'vitest';
import { checkMemory } from '../../../src/host/launch-target.ts';

const limits = { maxBufferSize: 1000, maxStorageBufferBindingSize: 400 };
const call = { fn: 'attentionVjp', gpu: { device: { limits } } as unknown as Gpu };

it('names the function, what is large and what makes it smaller', () => {
  checkMemory(call, 100, 'the sums', 'Use smaller tables.');
  const large = (): void => checkMemory(call, 101, 'the sums', 'Use smaller tables.');
  expect(large).toThrow(LimitError);
  expect(large).toThrow(
    'attentionVjp: the sums must fit one binding of 400 bytes on this device; got 404 bytes. Use smaller tables.',
  );
});
