import { describe, expect, it } from 'vitest';
import { chunkBytes } from '../../src/text/buffer-range.ts';
import { UploadRing } from '../../src/host/upload-ring.ts';
import { FakeDevice } from './fake-device.ts';

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
