import { expect, it, vi } from 'vitest';

it('the example for browsers in the repository’s README runs on a device and buffers of its own', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('../examples/browser.ts');
  const [shape, buffer] = log.mock.calls[0] as [number[], GPUBuffer];
  log.mockRestore();
  expect(shape).toEqual([12, 4, 64]);
  expect(buffer).toBeInstanceOf(GPUBuffer);
});
