import '@heed/testing';
import { create, globals } from 'webgpu';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

// Dawn must stay referenced as long as what was made from it.
const kept = globalThis as { examplesDawn?: GPU };

beforeAll(() => {
  Object.assign(globalThis, globals);
  kept.examplesDawn ??= create([]);
  Object.defineProperty(navigator, 'gpu', { value: kept.examplesDawn, configurable: true });
});

afterAll(() => {
  delete (navigator as { gpu?: unknown }).gpu;
});

/** What an example prints in its one call of console.log. */
async function printedBy(run: () => Promise<unknown>): Promise<unknown[]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await run();
  const [call] = log.mock.calls;
  log.mockRestore();
  return call!;
}

it('TypeGPU reads what heed wrote into its buffer', async () => {
  const [values] = (await printedBy(() => import('../../typegpu.ts'))) as [number[]];
  expect(values).toHaveLength(256);
  // Averages of numbers between −1 and 1.
  expect(values.every((x) => x !== 0 && Math.abs(x) < 1)).toBe(true);
});

it('heed reads jax-js’s memory, and jax-js the copy', async () => {
  const [shape, values] = (await printedBy(() => import('../../jax-js.ts'))) as [
    number[],
    Float32Array,
  ];
  expect(shape).toEqual([1, 2, 16, 8]);
  // Causal: the first row of each head sees itself only.
  const first = Float32Array.from({ length: 8 }, (_, i) => Math.tanh(Math.sin(i)));
  // jax-js computes sin and tanh by WGSL's, of which 2⁻¹¹ is promised.
  expect(values.slice(0, 8)).toMatchTensor(first, { tolerance: 2 ** -11 });
  expect(values).toHaveLength(256);
});
