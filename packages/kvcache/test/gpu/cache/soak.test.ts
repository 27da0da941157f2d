import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isFullRun, ownGpu, Rng } from '@heed/testing';
import { expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { type Request, Scheduler } from './scheduler.ts';
import { layers } from './serve.ts';
import { cached, tokensOf, Toy, toyShape } from './toy.ts';

const seconds = isFullRun() ? 30 : 2;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Counts the bytes of a device's buffers from here on. */
function countBytes(device: GPUDevice): () => number {
  let bytes = 0;
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let isAlive = true;
    bytes += buffer.size;
    buffer.destroy = () => {
      if (isAlive) bytes -= buffer.size;
      isAlive = false;
      return destroy();
    };
    return buffer;
  };
  return () => bytes;
}

/** Waves differ in their tokens, so that prefixes come and go, but not in their lengths. */
function wave(n: number): Request[] {
  const rng = new Rng(9);
  const system = tokensOf(rng, 20);
  return Array.from({ length: 12 }, (_, id): Request => {
    const prompt = [...system, ...tokensOf(rng, rng.int(1, 9))].map((token) => token + 10 * n);
    return { id, arrival: Math.floor(id / 2), prompt, count: rng.int(3, 9) };
  });
}

async function heapUsed(): Promise<number> {
  // What waits for a finaliser goes with the second.
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return process.memoryUsage().heapUsed;
}

it(`memory of the device and of the host stays flat over ${seconds} s of serving`, async () => {
  const gpu = await ownGpu();
  const bytesOf = countBytes(gpu.device);
  const toy = new Toy(gpu);
  const memory = { pageSize: 4, pages: 36, dtype: 'f32' } as const;
  const cache = await PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    ...memory,
    poison: true,
  });
  let [waves, evictions] = [0, 0];
  const serve = async (): Promise<number> => {
    let most = 0;
    const limits = { batch: 6, chunk: 16, onStep: () => (most = Math.max(most, bytesOf())) };
    await new Scheduler(cache, toy, wave(waves++), limits).run();
    return most;
  };

  const warm: number[] = [];
  // The engine compiles and collects feedback for a while.
  for (let i = 0; i < 24; i++) warm.push(await serve());
  const [peak, heap] = [Math.max(...warm), await heapUsed()];
  const start = performance.now();
  while (performance.now() - start < 1000 * seconds)
    expect(await serve()).toBeLessThanOrEqual(peak);
  evictions = cache.stats().evictions;
  const grown = (await heapUsed()) - heap;
  console.log(
    `${waves} waves of 12 requests in ${seconds} s: ${peak} bytes on the device at most, the host's heap grew by ${grown} bytes`,
  );
  expect(evictions).toBeGreaterThan(waves);
  expect(cache.stats()).toMatchObject({ used: 0, sequences: 0 });
  // What is still compiled. In 30 s a step that leaks a hundred bytes comes to 2 MB.
  expect(grown).toBeLessThan(2 ** 19);

  cache.dispose();
  gpu.dispose();
  expect(bytesOf()).toBe(0);
  gpu.device.destroy();
});
