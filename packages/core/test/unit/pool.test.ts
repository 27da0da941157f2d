import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool, bucketSize } from '../../src/buffers/pool.ts';
import { LimitError } from '../../src/errors.ts';
import { FakeDevice, fakeError, newFaults } from './fake-device.ts';

function newPool(maxBufferSize?: number): { device: FakeDevice; pool: BufferPool } {
  const device = new FakeDevice(maxBufferSize);
  return { device, pool: new BufferPool(device.asDevice(), newFaults(device).faults, 0x80) };
}

describe('bucketSize', () => {
  it('holds the size, wastes at most a quarter of it, is a multiple of 4 and within the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 4 }), (bytes) => {
        const size = bucketSize(bytes, 2 ** 32 - 4);
        expect(size).toBeGreaterThanOrEqual(bytes);
        expect(size % 4).toBe(0);
        expect(size).toBeLessThanOrEqual(Math.max(256, bytes * 1.25));
        expect(size).toBeLessThanOrEqual(2 ** 32 - 4);
        expect(bucketSize(size, 2 ** 32 - 4)).toBe(size);
      }),
    );
  });

  it.each([
    [0, 256],
    [256, 256],
    [257, 320],
    [1024, 1024],
    [1025, 1280],
  ])('%i → %i', (bytes, size) => {
    expect(bucketSize(bytes, 2 ** 30)).toBe(size);
  });

  it('asks for what is needed where the bucket would exceed the limit', () => {
    expect(bucketSize(1025, 1100)).toBe(1028);
  });
});

describe('BufferPool', () => {
  it('gives a released buffer of the same bucket again, under its new label', () => {
    const { device, pool } = newPool();
    const a = pool.acquire('f', 1000, 'a');
    const b = pool.acquire('f', 1000, 'b');
    expect(b).not.toBe(a);
    pool.release(a);
    const c = pool.acquire('f', 900, 'c');
    expect(c).toBe(a);
    expect(c.label).toBe('c');
    expect(pool.acquire('f', 100, 'small')).not.toBe(b);
    expect(device.buffers).toHaveLength(3);
  });

  it('gives the oldest first, in whatever order they came back', () => {
    const { pool } = newPool();
    const acquire = (): GPUBuffer => pool.acquire('f', 1000, 'x');
    const made = [acquire(), acquire(), acquire(), acquire()];
    for (const i of [2, 0, 3, 1]) pool.release(made[i]!);
    expect([acquire(), acquire(), acquire()].map((buffer) => made.indexOf(buffer))).toEqual([
      0, 1, 2,
    ]);
    for (const i of [1, 2, 0]) pool.release(made[i]!);
    expect([acquire(), acquire()].map((buffer) => made.indexOf(buffer))).toEqual([0, 1]);
  });

  it('destroys rather than keeps more than 256 MiB', () => {
    const { device, pool } = newPool(2 ** 31);
    // A buffer of this fake costs host memory, so the two are made by hand.
    const big = { size: 192 * 2 ** 20, destroyed: false, destroy: () => (big.destroyed = true) };
    const more = { size: 96 * 2 ** 20, destroyed: false, destroy: () => (more.destroyed = true) };
    pool.release(big as unknown as GPUBuffer);
    pool.release(more as unknown as GPUBuffer);
    expect([big.destroyed, more.destroyed]).toEqual([false, true]);
    expect(device.buffers).toHaveLength(0);
  });

  it('refuses one byte more than a buffer may have', () => {
    const { pool } = newPool(1024);
    expect(pool.acquire('f', 1024, 'a').size).toBe(1024);
    expect(() => pool.acquire('gpu.empty', 1025, 'a')).toThrow(LimitError);
    expect(() => pool.acquire('gpu.empty', 1025, 'a')).toThrow(
      'gpu.empty: one buffer holds at most 1024 bytes on this device; got 1025 bytes. Split the tensor.',
    );
  });

  it('never gives out a buffer that could not be allocated, and frees what it holds then', async () => {
    const { device, pool } = newPool();
    const idle = pool.acquire('f', 10, 'idle');
    const failed = pool.acquire('f', 5000, 'failed');
    pool.release(idle);
    device.scopes.at(-2)!.resolve(fakeError('OutOfMemory', 'no room'));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(device.buffers.map((x) => x.destroyed)).toEqual([true, false]);
    pool.release(failed);
    expect(device.buffers.map((x) => x.destroyed)).toEqual([true, true]);
    expect(pool.acquire('f', 5000, 'again')).not.toBe(failed);
  });

  it('does not keep a buffer of a size that it will never be asked for', () => {
    const { device, pool } = newPool();
    const odd = device.createBuffer({ size: 1028, usage: 0x80 });
    pool.release(odd as unknown as GPUBuffer);
    expect(odd.destroyed).toBe(true);
  });

  it('destroys everything when closed, and later releases at once', () => {
    const { device, pool } = newPool();
    const a = pool.acquire('f', 10, 'a');
    const b = pool.acquire('f', 10, 'b');
    pool.release(a);
    pool.close();
    expect(device.buffers.map((x) => x.destroyed)).toEqual([true, false]);
    pool.release(b);
    expect(device.buffers.map((x) => x.destroyed)).toEqual([true, true]);
  });
});
