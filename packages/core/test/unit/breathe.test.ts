import { describe, expect, it, vi } from 'vitest';
import { breathing } from '../../src/device/breathe.ts';

const adapter = (isFallbackAdapter: boolean): GPUAdapterInfo =>
  ({ isFallbackAdapter }) as GPUAdapterInfo;

// Node's, for which core has no types.
const { setImmediate } = globalThis as unknown as { setImmediate: (turn: () => void) => void };

const later = (ms: number): Promise<string> =>
  new Promise((resolve) => setTimeout(() => resolve('done'), ms));

/** Turns of a loop that polls as fast as it can, as Node's `webgpu` does, while `work` is pending. */
async function polls(work: Promise<unknown>): Promise<number> {
  let count = 0;
  let over = false;
  const poll = (): void => {
    count++;
    if (!over) setImmediate(poll);
  };
  setImmediate(poll);
  await work;
  over = true;
  return count;
}

describe('breathing', () => {
  it('slows polling down while a CPU adapter computes', async () => {
    const free = await polls(later(40));
    const slow = await polls(breathing(adapter(true), later(40)));
    expect(slow).toBeLessThan(free / 4);
  });

  it('leaves other adapters alone', () => {
    const work = later(1);
    expect(breathing(adapter(false), work)).toBe(work);
  });

  it('leaves Deno alone, whose turns do not poll', () => {
    vi.stubGlobal('Deno', {});
    const work = later(1);
    expect(breathing(adapter(true), work)).toBe(work);
    vi.unstubAllGlobals();
  });

  it('passes results and failures on', async () => {
    const failure = Promise.reject(new Error('lost'));
    await expect(breathing(adapter(true), failure)).rejects.toThrow('lost');
    await expect(breathing(adapter(true), later(1))).resolves.toBe('done');
  });

  it('stops with the last result that was awaited', async () => {
    const both = [breathing(adapter(true), later(1)), breathing(adapter(true), later(40))];
    const slow = await polls(both[1]!);
    await Promise.all(both);
    expect(await polls(later(40))).toBeGreaterThan(slow * 4);
  });
});
