import { expect, it } from 'vitest';
import { expectSeed } from '../examples/seed-expected.ts';
import { seedExample } from '../examples/seed.ts';

it('the seed example runs in a browser page, on a device of its own or of the page’s', async () => {
  expectSeed(await seedExample());
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  expectSeed(await seedExample(device));
  expect(device.lost).toBeInstanceOf(Promise);
  device.destroy();
});
