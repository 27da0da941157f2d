import type { Gpu } from '@heed/core';
import { memoryStore, PagedKvCache } from '@heed/kvcache';
import type { Contestant, Job } from '../measure/bench-results.ts';

/** The rows of Llama 3.2 1B in f16: 512 KiB per page of 16 tokens, 4 MiB per 128 tokens. */
const shape = { layers: 16, kvHeads: 8, headDim: 64 } as const;
const TOKENS = 1024;
const MIB = 32;
const bytes = 4 * 2 ** 20;

/** Measures processor time per 4 MiB of pages: of all threads, where the platform tells, else the time that passes. */
export function storeCost(): Contestant[] {
  return [
    {
      name: 'load 4 MiB',
      how: `cache.load(memoryStore, { tokens }), ${TOKENS} tokens, checksum and upload included, processor time`,
      atMostMs: 20,
      prepare: loadPrompt,
    },
    {
      name: 'SHA-256 of 4 MiB',
      how: 'crypto.subtle.digest, a segment of 1 MiB at a time, processor time',
      atMostMs: 8,
      prepare: async () => ({ run: digest, dispose: () => {} }),
    },
  ];
}

async function loadPrompt(gpu: Gpu): Promise<Job> {
  const tokens = Uint32Array.from({ length: TOKENS + 1 }, (_, i) => (i * 7919) % 50_000);
  const cache = await PagedKvCache.create(gpu, { ...shape, pages: TOKENS / 16 + 1 });
  const rows = gpu.empty([TOKENS + 1, shape.kvHeads, shape.headDim]);
  using sequence = cache.open();
  for (let layer = 0; layer < shape.layers; layer++) cache.append(layer, [sequence], rows, rows);
  sequence.commit(tokens);
  const store = memoryStore();
  await cache.save(store, { sequences: [sequence] });
  sequence.close();
  rows.dispose();
  let loaded = 0;
  return {
    async run() {
      cache.clear();
      await gpu.settled();
      const start = processorMs();
      const report = await cache.load(store, { tokens });
      await gpu.settled();
      const ms = processorMs() - start;
      report.hold![Symbol.dispose]();
      ({ loaded } = report);
      return (ms * 4) / MIB;
    },
    check: () => ({ maxError: TOKENS / 16 - loaded, limit: 0 }),
    dispose: () => cache.dispose(),
  };
}

async function digest(): Promise<number> {
  const segment = new Uint8Array(bytes / 4).fill(7);
  const start = processorMs();
  for (let i = 0; i < 4; i++) await crypto.subtle.digest('SHA-256', segment);
  return processorMs() - start;
}

/** Milliseconds of processor time of this process so far, which other processes do not change; else a clock. */
function processorMs(): number {
  const usage = (globalThis as Partial<typeof globalThis>).process?.cpuUsage?.();
  return usage ? (usage.user + usage.system) / 1000 : performance.now();
}
