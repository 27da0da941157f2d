import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { breathing, nudging, watchCompletion } from '../../src/host/completion.ts';

const adapter = (isFallbackAdapter: boolean): GPUAdapterInfo =>
  ({ isFallbackAdapter }) as GPUAdapterInfo;

// Core has no types of Node.
const { setImmediate } = globalThis as unknown as { setImmediate: (turn: () => void) => void };

const later = (ms: number): Promise<string> =>
  new Promise((resolve) => setTimeout(() => resolve('done'), ms));

/** Counts the turns of a loop that polls as fast as it can while `work` is pending, as Node's `webgpu` does. */
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

describe('nudging', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    // As in a browser.
    vi.stubGlobal('setImmediate', undefined);
    delete (globalThis as { setImmediate?: unknown }).setImmediate;
  });
  afterEach(() => {
    // In this order, since what was stubbed is a fake timer.
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  interface Queue {
    readonly device: GPUDevice;
    submits: number;
    /** Returns work that ends in `ms` milliseconds. */
    work(ms: number): Promise<void>;
  }

  /**
   * A device that is busy until some time, in milliseconds, and looks for finished work every `period` and at each submit. With
   * period 0 it reports at once.
   */
  function newQueue(period: number, busyUntil = 0): Queue {
    const start = Date.now();
    let waiting: { at: number; resolve: () => void }[] = [];
    const look = (): void => {
      const now = Date.now();
      for (const { resolve } of waiting.filter(({ at }) => at <= now)) resolve();
      waiting = waiting.filter(({ at }) => at > now);
    };
    if (period > 0) setInterval(look, period);
    const end = (at: number): Promise<void> =>
      new Promise((resolve) => {
        if (period > 0) waiting.push({ at, resolve });
        else setTimeout(resolve, Math.max(0, at - Date.now()));
      });
    const queue: Queue = {
      submits: 0,
      work: (ms) => end(Date.now() + ms),
      device: {
        queue: {
          onSubmittedWorkDone: () => end(start + busyUntil),
          submit: () => {
            queue.submits++;
            look();
          },
        },
      } as unknown as GPUDevice,
    };
    return queue;
  }

  async function watched(queue: Queue): Promise<Queue> {
    const watching = watchCompletion(queue.device);
    await vi.advanceTimersByTimeAsync(300);
    await watching;
    queue.submits = 0;
    return queue;
  }

  /** Measures the wait for work of `ms` milliseconds. */
  async function wait({ device, work }: Queue, ms: number): Promise<number> {
    const start = Date.now();
    let end = Infinity;
    void nudging(device, work(ms)).then(() => (end = Date.now()));
    await vi.advanceTimersByTimeAsync(300);
    return end - start;
  }

  it.each([0, 95, 99])(
    'hastens a device that looks for its work every 100 ms, now at %i',
    async (at) => {
      const queue = newQueue(100);
      await vi.advanceTimersByTimeAsync(at);
      await watched(queue);
      expect(await wait(queue, 3)).toBeLessThan(6);
      expect(await wait(queue, 20)).toBeLessThan(23);
      expect(queue.submits).toBeGreaterThan(0);
      queue.submits = 0;
      await vi.advanceTimersByTimeAsync(500);
      expect(queue.submits).toBe(0);
    },
  );

  it('submits once a turn, however many wait', async () => {
    const queue = await watched(newQueue(100));
    const all = Array.from({ length: 10 }, () => nudging(queue.device, queue.work(5)));
    await vi.advanceTimersByTimeAsync(50);
    await Promise.all(all);
    expect(queue.submits).toBeLessThan(8);
  });

  it.each([0, 40, 200])(
    'leaves a device alone that tells at once, busy for %i ms',
    async (busy) => {
      const queue = await watched(newQueue(0, busy));
      expect(await wait(queue, 50)).toBe(50);
      expect(queue.submits).toBe(0);
    },
  );

  it('finds a slow device that was busy when it was opened', async () => {
    const queue = newQueue(100, 130);
    const watching = watchCompletion(queue.device);
    await vi.advanceTimersByTimeAsync(60);
    // Opening the Gpu must not wait for it.
    await watching;
    await vi.advanceTimersByTimeAsync(300);
    expect(await wait(queue, 3)).toBeLessThan(6);
  });

  it('submits nothing in Node', async () => {
    vi.stubGlobal('setImmediate', () => {});
    const queue = newQueue(100);
    await watchCompletion(queue.device);
    expect(queue.submits).toBe(0);
  });
});
