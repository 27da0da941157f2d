import { type Gpu, GpuError, LimitError, ValidationError } from '@heed/core';
import { ownGpu, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CacheOptions, PagedKvCache } from '../../../src/index.ts';
import { expectRefusal, sound } from './refusal.ts';

/** Bytes that a device has left for pages. */
interface Budget {
  left: number;
}

/** Stubs a device that has this many bytes for pools: creating a pool beyond them is an out-of-memory error. */
function makeScarce(device: GPUDevice, budget: Budget): void {
  const scopes: { filter: GPUErrorFilter; isHit: boolean }[] = [];
  const [createBuffer, push, pop] = [
    device.createBuffer.bind(device),
    device.pushErrorScope.bind(device),
    device.popErrorScope.bind(device),
  ];
  device.pushErrorScope = (filter) => {
    scopes.push({ filter, isHit: false });
    return push(filter);
  };
  device.popErrorScope = async () => {
    const { isHit } = scopes.pop()!;
    const error = await pop();
    return isHit ? { message: 'out of memory' } : error;
  };
  device.createBuffer = (descriptor) => {
    const { label = '', size } = descriptor;
    if (!label.startsWith('heed/pool')) return createBuffer(descriptor);
    if (size > budget.left) {
      scopes.findLast(({ filter }) => filter === 'out-of-memory')!.isHit = true;
      return createBuffer({ ...descriptor, size: 4 });
    }
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    budget.left -= size;
    buffer.destroy = () => {
      budget.left += size;
      return destroy();
    };
    return buffer;
  };
}

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const { pages: _, ...unsized } = sound;

describe('PagedKvCache.create refuses', () => {
  const fn = 'PagedKvCache.create';
  const refused: readonly (readonly [unknown, string])[] = [
    [undefined, 'options are required; got undefined. Pass { layers, kvHeads, headDim, pages }.'],
    [
      { ...sound, layers: 0 },
      'layers must be a whole number from 1 to 4096; got 0. Pass such a number.',
    ],
    [
      { ...sound, layers: 1e9 },
      'layers must be a whole number from 1 to 4096; got 1000000000. Pass such a number.',
    ],
    [
      { ...sound, kvHeads: 1.5 },
      'kvHeads must be a whole number from 1 on; got 1.5. Pass such a number.',
    ],
    [
      { ...sound, headDim: 577 },
      'headDim must be a whole number from 1 to 576; got 577. Pass such a number.',
    ],
    [
      { ...sound, headDimV: '8' },
      "headDimV must be a whole number from 1 to 576; got '8'. Pass such a number.",
    ],
    [
      { ...sound, pageSize: 0 },
      'pageSize must be a whole number from 1 on; got 0. Pass such a number.',
    ],
    [
      { ...sound, dtype: 'f64' },
      "dtype must be 'f32', 'f16', 'bf16', 'int8' or 'int4'; got 'f64'. 'f16' is the default.",
    ],
    [
      unsized,
      'pages or maxBytes is required; got neither. A device does not report its free memory: pass what the cache may use.',
    ],
    [
      { ...sound, pages: 0 },
      'pages must be a whole number from 1 to 2147483646; got 0. Pass such a number.',
    ],
    [
      { ...sound, maxBytes: -1 },
      'maxBytes must be a whole number from 1 on; got -1. Pass such a number.',
    ],
    [
      { ...unsized, maxBytes: 1000 },
      'maxBytes must hold two pages of 640 bytes, one of which is the null page; got 1000. Pass more, or use smaller pages or a narrower dtype.',
    ],
    [
      { ...sound, window: -1 },
      'window must be a whole number from 0 on; got -1. Pass such a number.',
    ],
    [
      { ...sound, window: 8, sinkTokens: NaN },
      'sinkTokens must be a whole number from 0 on; got NaN. Pass such a number.',
    ],
    [
      { ...sound, sinkTokens: 1 },
      'sinkTokens needs a window; got none. Without one nothing is released.',
    ],
    [
      { ...sound, eviction: 'lru' },
      "eviction must be an EvictionPolicy; got 'lru'. Pass lru, priority, fairShare(bytes) or { name, compare }.",
    ],
  ];

  it.each(refused)('%o', async (options, message) => {
    const create = (): unknown => PagedKvCache.create(gpu, options as CacheOptions);
    await expectRefusal([create, ValidationError, `${fn}: ${message}`]);
  });

  it('what is not a Gpu', async () => {
    const message = `${fn}: gpu must be a Gpu; got an object. Pass what openGpu() resolved to.`;
    const bare = Object.create(null) as Gpu;
    await expectRefusal([() => PagedKvCache.create(bare, sound), ValidationError, message]);
  });

  it(
    'more pages than a binding holds, and names the most that fit, which work',
    { tags: ['full'] },
    async () => {
      const own = await ownGpu();
      try {
        const { maxBufferSize, maxStorageBufferBindingSize } = own.device.limits;
        const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
        // Pages so large that few fill a binding. The memory is allocated, not written.
        const pageSize = 2 ** 14;
        const large = {
          layers: 1,
          kvHeads: 4,
          headDim: 64,
          headDimV: 1,
          pageSize,
          dtype: 'int4',
        } as const;
        const pages = Math.floor(most / (pageSize * 4 * 9 * 4));
        const created = PagedKvCache.create(own, { ...large, pages });
        await expect(created).rejects.toThrow(LimitError);
        await expect(created).rejects.toThrow(
          `${fn}: the pool of a layer is one binding, which holds the null page and ${pages - 1} others on this device; ` +
            `got ${pages}. Pass at most ${pages - 1} pages, or use a narrower dtype.`,
        );
        if (most > 2 ** 28) return; // a gigabyte, and more time than the rest
        using cache = await PagedKvCache.create(own, { ...large, pages: pages - 1 });
        using sequence = cache.open();
        const rows = 3 * pageSize;
        using k = own.tensor(new Float32Array(rows * 4 * 64).fill(1), { shape: [rows, 4, 64] });
        using v = own.tensor(new Float32Array(rows * 4).fill(2), { shape: [rows, 4, 1] });
        cache.append(0, [sequence], k, v);
        await own.settled();
        expect(cache.stats()).toMatchObject({ pages: pages - 1, used: 3 });
      } finally {
        own.dispose();
        own.device.destroy();
      }
    },
  );

  it('pages of which not two fit a binding', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const pageSize = 2 ** 26;
    const message =
      `${fn}: the pool of a layer is one binding of at most ${most} bytes on this device, for the null page and one other at ` +
      `least; got pages of ${pageSize * 8 * 256 * 4} bytes. Use a smaller pageSize, or a narrower dtype.`;
    const vast = { layers: 1, kvHeads: 8, headDim: 256, pageSize, dtype: 'f32' } as const;
    await expectRefusal([
      () => PagedKvCache.create(gpu, { ...vast, pages: 1 }),
      LimitError,
      message,
    ]);
    const maxBytes = 2 ** 50;
    await expectRefusal([
      () => PagedKvCache.create(gpu, { ...vast, maxBytes }),
      LimitError,
      message,
    ]);
  });

  it('nothing that maxBytes allows: it takes what fits', async () => {
    using cache = await PagedKvCache.create(gpu, { ...unsized, maxBytes: 6500 });
    expect(cache.stats()).toMatchObject({ pages: 9, free: 9, bytes: 6400 });
    using capped = await PagedKvCache.create(gpu, { ...sound, pages: 3, maxBytes: 6500 });
    expect(capped.stats()).toMatchObject({ pages: 3, free: 3, bytes: 2560 });
  });
});

describe('where memory is short', () => {
  const page = 640;

  it('maxBytes gets what there is, and pages all or nothing', async () => {
    const own = await ownGpu();
    const budget = { left: 20 * page };
    makeScarce(own.device, budget);
    const cache = await PagedKvCache.create(own, { ...unsized, maxBytes: 1000 * page });
    const { pages, bytes } = cache.stats();
    expect(bytes).toBe((pages + 1) * page);
    expect(pages).toBeGreaterThanOrEqual(Math.floor(19 * 0.75));
    expect(pages).toBeLessThan(20);
    cache.dispose();
    const message =
      `PagedKvCache.create: the device has not enough memory for 30 pages and the null page, ${31 * page} bytes. ` +
      'Pass fewer pages, or maxBytes.';
    const create = (): unknown => PagedKvCache.create(own, { ...sound, pages: 30 });
    await expectRefusal([create, GpuError, message]);
    expect(budget.left).toBe(20 * page);
    budget.left = page;
    const least = (): unknown => PagedKvCache.create(own, { ...unsized, maxBytes: 8 * page });
    const none =
      `PagedKvCache.create: the device has not enough memory for 1 pages and the null page, ${2 * page} bytes. ` +
      'Dispose unused tensors and caches.';
    await expectRefusal([least, GpuError, none]);
    await own.settled();
    own.dispose();
    own.device.destroy();
  });
});
