import { afterEach, expect, it, vi } from 'vitest';
import { openGpu } from '../../src/device/open.ts';
import { UnsupportedError } from '../../src/errors.ts';

afterEach(() => {
  vi.doUnmock('webgpu');
});

it('says what to do where there is no WebGPU at all', async () => {
  vi.doMock('webgpu', () => {
    throw new Error('not installed');
  });
  const error: unknown = await openGpu().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(String(error)).toMatch(
    /openGpu: there is no WebGPU here.*in Node, npm install webgpu; or pass \{ device \}/,
  );
  expect((error as Error).cause).toBeDefined();
});
