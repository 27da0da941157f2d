import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempt, bucketSize, BufferPool, tryBuffer } from '../../src/host/buffer-pool.ts';
import type { Faults } from '../../src/host/faults.ts';
import { UploadRing } from '../../src/host/upload-ring.ts';
import { chunkBytes } from '../../src/text/buffer-range.ts';
import { DeviceLostError, LimitError } from '../../src/text/errors.ts';
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

function newState(maxBufferSize?: number) {
  const fake = new FakeDevice(maxBufferSize);
  const device = fake.asDevice();
  const { faults } = newFaults(fake);
  return { fake, state: { device, faults, pool: new BufferPool(device, faults, 0x80) } };
}

const destroyed = ({ buffers }: FakeDevice): boolean[] => buffers.map((x) => x.destroyed);

it('tries for exactly the bytes, after giving up what lies idle', async () => {
  const { fake, state } = newState();
  state.pool.release(state.pool.acquire('f', 10, 'idle'));
  const trying = tryBuffer(state, 'f', 1025, 'large');
  expect(destroyed(fake)).toEqual([true, false]);
  for (const scope of fake.scopes) scope.resolve(null);
  expect(await trying).toMatchObject({ size: 1028, label: 'large' });
});

it('tries in vain where there is no room, and leaves nothing behind', async () => {
  const { fake, state } = newState(4096);
  const trying = tryBuffer(state, 'f', 4096, 'large');
  fake.scopes[0]!.resolve(fakeError('OutOfMemory', 'no room'));
  expect(await trying).toBeUndefined();
  expect(destroyed(fake)).toEqual([true]);
  expect(fake.openScopes).toBe(0);
  fake.scopes[1]!.resolve(null);
  await state.faults.verdict(() => Promise.resolve());
  await expect(tryBuffer(state, 'f', 4097, 'larger')).rejects.toThrow(LimitError);
});

function newDevice(): { fake: FakeDevice; device: GPUDevice; faults: Faults } {
  const fake = new FakeDevice();
  return { fake, device: fake.asDevice(), ...newFaults(fake) };
}

it('the error of an attempt is told to its maker alone', async () => {
  const { fake, device, faults } = newDevice();
  const tried = [
    attempt(device, faults, 'out-of-memory', () => 1),
    attempt(device, faults, 'internal', () => 2),
  ];
  const error = fakeError('OutOfMemory', 'no room');
  fake.scopes[0]!.resolve(error);
  fake.scopes[1]!.resolve(null);
  expect(await Promise.all(tried)).toEqual([
    { result: 1, error },
    { result: 2, error: null },
  ]);
  await faults.verdict(() => Promise.resolve());
});

it('an attempt that throws leaves no scope open', async () => {
  const { fake, device, faults } = newDevice();
  const thrown = attempt(device, faults, 'out-of-memory', () => {
    throw new Error('inner');
  });
  await expect(thrown).rejects.toThrow('inner');
  expect(fake.openScopes).toBe(0);
});

it('an attempt on a device that is lost meanwhile rejects with the loss', async () => {
  const { fake, device, faults } = newDevice();
  const pending = attempt(device, faults, 'out-of-memory', () => 1);
  fake.lose({ reason: 'unknown', message: 'gone' });
  await expect(pending).rejects.toThrow(DeviceLostError);
});

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const perChunk = chunkBytes / 256;

function newRing(): { device: FakeDevice; ring: UploadRing } {
  const device = new FakeDevice();
  return { device, ring: new UploadRing(device.asDevice()) };
}

describe('UploadRing', () => {
  it('gives slices at multiples of 256, sizes rounded up', () => {
    const { ring } = newRing();
    expect(ring.push(bytes(19, 1))).toMatchObject({ offset: 0, size: 20 });
    expect(ring.push(bytes(300, 2))).toMatchObject({ offset: 256, size: 300 });
    expect(ring.push(bytes(0, 3))).toMatchObject({ offset: 768, size: 4 });
  });

  it('writes its tail behind a slice, as far as no other can begin', () => {
    const { device, ring } = newRing();
    ring.tail = bytes(256, 9);
    ring.push(bytes(19, 1));
    ring.push(bytes(256, 2));
    ring.flush();
    const held = device.buffers[0]!.bytes;
    expect([...held.subarray(17, 21)]).toEqual([1, 1, 9, 9]);
    expect([held[255], held[256], held[511], held[512]]).toEqual([9, 2, 2, 0]);
  });

  it('uploads nothing before the flush, then everything new in one write', () => {
    const { device, ring } = newRing();
    ring.push(bytes(4, 1));
    ring.push(bytes(4, 2));
    expect(device.writes).toHaveLength(0);
    ring.flush();
    expect(device.writes).toEqual([{ label: 'heed ring 0', offset: 0, size: 260 }]);
    expect([device.buffers[0]!.bytes[0], device.buffers[0]!.bytes[256]]).toEqual([1, 2]);
    ring.flush();
    expect(device.writes).toHaveLength(1);
    ring.push(bytes(4, 3));
    ring.flush();
    expect(device.writes[1]).toEqual({ label: 'heed ring 0', offset: 512, size: 4 });
  });

  it('takes another chunk rather than rewrite one that unsubmitted work names', () => {
    const { device, ring } = newRing();
    const slices = Array.from({ length: 3 * perChunk }, (_, i) => ring.push(bytes(4, i)));
    expect(device.buffers).toHaveLength(3);
    const places = new Set(slices.map((s) => `${s.buffer.label} ${s.offset}`));
    expect(places.size).toBe(slices.length);
    ring.flush();
    expect(device.writes).toHaveLength(3);
    slices.forEach((s, i) => {
      expect((s.buffer as unknown as { bytes: Uint8Array }).bytes[s.offset]).toBe(i % 256);
    });
  });

  it('reuses chunks after the submit, and grows no more', () => {
    const { device, ring } = newRing();
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 2 * perChunk; i++) ring.push(bytes(4, i));
      ring.flush();
      ring.submitted();
    }
    expect(device.buffers.length).toBeLessThanOrEqual(3);
  });

  it('keeps what was pushed but not yet submitted over the submit of other work', () => {
    const { device, ring } = newRing();
    const early = ring.push(bytes(4, 7));
    ring.flush();
    ring.submitted();
    for (let i = 0; i < perChunk - 1; i++) {
      ring.push(bytes(4, 9));
      ring.flush();
      ring.submitted();
    }
    expect(device.buffers[0]!.bytes[early.offset]).toBe(7);
  });

  it('takes a slice of exactly one chunk', () => {
    const { device, ring } = newRing();
    ring.push(bytes(4, 1));
    const whole = ring.push(bytes(chunkBytes, 2));
    expect(whole).toMatchObject({ offset: 0, size: chunkBytes });
    expect(device.buffers).toHaveLength(2);
  });

  it('gives the same slices after every rewind', () => {
    const { device, ring } = newRing();
    const step = (): string[] => {
      ring.mark();
      const slices = Array.from({ length: perChunk + 9 }, (_, i) => ring.push(bytes(4, i)));
      ring.flush();
      ring.submitted();
      ring.rewind();
      return slices.map(({ buffer, offset }) => `${buffer.label} ${offset}`);
    };
    ring.push(bytes(4, 1));
    const slices = step();
    expect([step(), step()]).toEqual([slices, slices]);
    expect(device.buffers).toHaveLength(2);
  });

  it('uploads what is pushed over slices that it went back over, and keeps what lay before the mark', () => {
    const { device, ring } = newRing();
    ring.push(bytes(4, 7));
    ring.mark();
    ring.push(bytes(4, 8));
    ring.flush();
    ring.submitted();
    ring.rewind();
    expect(ring.push(bytes(4, 9)).offset).toBe(256);
    ring.flush();
    expect(device.writes[1]).toEqual({ label: 'heed ring 0', offset: 256, size: 4 });
    expect([device.buffers[0]!.bytes[0], device.buffers[0]!.bytes[256]]).toEqual([7, 9]);
  });

  it('uploads what was pushed before the mark though nothing was submitted after it', () => {
    const { device, ring } = newRing();
    ring.push(bytes(4, 7));
    ring.mark();
    ring.push(bytes(4, 8));
    ring.rewind();
    ring.flush();
    expect(device.writes).toEqual([{ label: 'heed ring 0', offset: 0, size: 260 }]);
    expect(device.buffers[0]!.bytes[0]).toBe(7);
  });

  it('destroys its buffers when closed', () => {
    const { device, ring } = newRing();
    ring.push(bytes(4, 1));
    ring.close();
    expect(device.buffers[0]!.destroyed).toBe(true);
  });
});
