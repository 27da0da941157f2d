import { type Gpu, GpuError, LimitError } from '@heed/core';
import { assertUsable, fail, isGpu, readOptions, show } from '@heed/core/kernel';
import { CacheCore } from './cache-core.ts';
import { KvEmitter, storedEvent } from './cache-events.ts';
import { lru } from '../pages/eviction.ts';
import { cacheNames, type CacheOptions, checkOptions, meantCache } from './cache-options.ts';
import { NULL_PAGE } from '../pages/block-pool.ts';
import { type PageGeometry, pageBytes, pageWords } from '../pages/page-geometry.ts';
import { largestPageCount, type Pool, tryCreatePools } from '../kernels/page-pools.ts';
import { Ledger } from '../sequences/ledger.ts';

const fn = 'PagedKvCache.create';

/** Checks the options, allocates the pools, and creates the parts of a cache. */
export async function createCore(gpu: Gpu, given: CacheOptions): Promise<CacheCore> {
  if (!isGpu(gpu)) fail(fn, 'gpu must be a Gpu', show(gpu), 'Pass what openGpu() resolved to.');
  assertUsable(gpu);
  if (given === undefined) {
    const fix = 'Pass { layers, kvHeads, headDim, pages }.';
    fail(fn, 'options are required', 'undefined', fix);
  }
  const options = readOptions(fn, given, cacheNames, meantCache);
  const geometry = checkOptions(fn, options);
  const { window, sinkTokens, eviction = lru } = options;
  const { pools, pages } = await findMemory(gpu, geometry, options);
  const { layers, pageSize } = geometry;
  const events = new KvEmitter();
  const ledger = new Ledger(
    {
      groups: [{ layers, bytes: pageBytes(geometry), window, sinkTokens }],
      pageSize,
      blocks: pages,
      eviction,
    },
    {
      stored: (node, set) => events.note('stored', () => storedEvent(node, set)),
      removed: ({ name }, { pages: [page] }) =>
        events.note('removed', () => ({ name, page: page! })),
    },
  );
  const core = new CacheCore(gpu, geometry, pools, ledger, events, options);
  gpu.batch(() => {
    core.clear([NULL_PAGE]);
    core.poisonPages(Int32Array.from({ length: pages }, (_, i) => i + 1));
  });
  return core;
}

interface FoundMemory {
  readonly pools: readonly Pool[];
  /** Not counting the null page. */
  readonly pages: number;
}

/** Allocates pools of `pages` pages; with `maxBytes`, of as many as the device has memory for. */
async function findMemory(
  gpu: Gpu,
  geometry: PageGeometry,
  { pages: wanted, maxBytes }: CacheOptions,
): Promise<FoundMemory> {
  const largest = largestPageCount(gpu, geometry) - 1;
  if (largest < 1) tooLarge(gpu, geometry);
  if (maxBytes === undefined) {
    if (wanted! > largest) tooMany(largest, wanted!);
    const pools = await tryCreatePools(fn, gpu, geometry, wanted! + 1);
    if (pools) return { pools, pages: wanted! };
    return outOfMemory(geometry, wanted!, 'Pass fewer pages, or maxBytes.');
  }
  const most = Math.min(
    Math.floor(maxBytes / pageBytes(geometry)) - 1,
    largest,
    wanted ?? Infinity,
  );
  if (most < 1) {
    const rule = `maxBytes must hold two pages of ${pageBytes(geometry)} bytes, one of which is the null page`;
    fail(fn, rule, maxBytes, 'Pass more, or use smaller pages or a narrower dtype.');
  }
  for (let pages = most; pages >= 1; pages = Math.floor(pages * 0.75)) {
    const pools = await tryCreatePools(fn, gpu, geometry, pages + 1);
    if (pools) return { pools, pages };
  }
  return outOfMemory(geometry, 1, 'Dispose unused tensors and caches.');
}

function tooLarge({ device }: Gpu, geometry: PageGeometry): never {
  const most = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const { k, v } = pageWords(geometry);
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

function outOfMemory(geometry: PageGeometry, pages: number, fix: string): never {
  const bytes = (pages + 1) * pageBytes(geometry);
  throw new GpuError(
    `${fn}: the device has not enough memory for ${pages} pages and the null page, ${bytes} bytes. ${fix}`,
    'out-of-memory',
  );
}
