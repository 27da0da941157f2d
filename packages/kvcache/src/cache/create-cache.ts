import { type Gpu, GpuError, LimitError } from '@heed/core';
import { assertUsable, fail, isGpu, show } from '@heed/core/kernel';
import { CacheCore } from './cache-core.ts';
import { KvEmitter, storedEvent, toldPage } from './cache-events.ts';
import { lru } from '../pages/eviction.ts';
import type { CacheOptions, GroupedCacheOptions } from './cache-options.ts';
import { type CheckedOptions, checkOptions } from './check-options.ts';
import { pageBytes } from '../pages/page-geometry.ts';
import type { GroupOptions } from '../pages/group-rules.ts';
import { blockBytes, type CacheLayout, type GroupLayout } from '../pages/page-layout.ts';
import { largestBlockCount, type Pool, tryCreatePools } from '../kernels/page-pools.ts';
import { Ledger } from '../sequences/ledger.ts';

const fn = 'PagedKvCache.create';

/** Checks the options, allocates the pools, and creates the parts of a cache. */
export async function createCore(
  gpu: Gpu,
  given: CacheOptions | GroupedCacheOptions,
): Promise<CacheCore> {
  if (!isGpu(gpu)) fail(fn, 'gpu must be a Gpu', show(gpu), 'Pass what openGpu() resolved to.');
  assertUsable(gpu);
  if (given === undefined) {
    const fix = 'Pass { layers, kvHeads, headDim, pages }.';
    fail(fn, 'options are required', 'undefined', fix);
  }
  const options = checkOptions(fn, given);
  const { layout, eviction = lru } = options;
  const { pools, blocks } = await findMemory(gpu, options);
  const events = new KvEmitter();
  const ledger: Ledger = new Ledger(
    { groups: layout.groups.map(ledgerGroup), pageSize: layout.pageSize, blocks, eviction },
    {
      stored: (node) => events.note('stored', () => storedEvent(node, ledger.told)),
      removed: (node, set) =>
        events.note('removed', () => {
          return { name: node.name, page: toldPage(node, ledger.told, set) };
        }),
    },
  );
  const core = new CacheCore(gpu, options, pools, ledger, events);
  gpu.batch(() => core.fill());
  return core;
}

const ledgerGroup = ({ geometry, perBlock, window, sinkTokens }: GroupLayout): GroupOptions => ({
  layers: geometry.layers,
  perBlock,
  bytes: pageBytes(geometry),
  window,
  sinkTokens,
});

interface FoundMemory {
  readonly pools: readonly Pool[];
  /** Not counting the null block. */
  readonly blocks: number;
}

/** Allocates `pages` blocks; with `maxBytes`, as many as the device has memory for. */
async function findMemory(
  gpu: Gpu,
  { layout, pages: wanted, maxBytes }: CheckedOptions,
): Promise<FoundMemory> {
  const largest = largestBlockCount(gpu, layout) - 1;
  if (largest < 1) tooLarge(gpu, layout);
  if (maxBytes === undefined) {
    if (wanted! > largest) tooMany(largest, wanted!);
    const pools = await tryCreatePools(fn, gpu, layout, wanted! + 1);
    if (pools) return { pools, blocks: wanted! };
    return outOfMemory(layout, wanted!, 'Pass fewer pages, or maxBytes.');
  }
  const size = blockBytes(layout);
  const most = Math.min(Math.floor(maxBytes / size) - 1, largest, wanted ?? Infinity);
  if (most < 1) {
    const rule = `maxBytes must hold two pages of ${size} bytes, one of which is the null page`;
    fail(fn, rule, maxBytes, 'Pass more, or use smaller pages or a narrower dtype.');
  }
  for (let blocks = most; blocks >= 1; blocks = Math.floor(blocks * 0.75)) {
    const pools = await tryCreatePools(fn, gpu, layout, blocks + 1);
    if (pools) return { pools, blocks };
  }
  return outOfMemory(layout, 1, 'Dispose unused tensors and caches.');
}

function tooLarge({ device }: Gpu, { blockWords: { k, v } }: CacheLayout): never {
  const most = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  throw new LimitError(
    `${fn}: the pool of a layer is one binding of at most ${most} bytes on this device, for the null page and one other at least; ` +
      `got pages of ${4 * Math.max(k, v)} bytes. Use a smaller pageSize, or a narrower dtype.`,
  );
}

function tooMany(largest: number, pages: number): never {
  throw new LimitError(
    `${fn}: the pool of a layer is one binding, which holds the null page and ${largest} others on this device; got ${pages}. ` +
      `Pass at most ${largest} pages, or use a narrower dtype.`,
  );
}

function outOfMemory(layout: CacheLayout, pages: number, fix: string): never {
  const bytes = (pages + 1) * blockBytes(layout);
  throw new GpuError(
    `${fn}: the device has not enough memory for ${pages} pages and the null page, ${bytes} bytes. ${fix}`,
    'out-of-memory',
  );
}
