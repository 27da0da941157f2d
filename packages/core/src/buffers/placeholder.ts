import type { Gpu } from '../api.ts';
import { stateOf } from '../device/state.ts';
import type { BufferRange } from './range.ts';
import { COPY_DST, STORAGE } from './usage.ts';

/** A small buffer for a binding slot that a kernel does not use. 'read' and 'write' differ, since one dispatch may need both. */
export function placeholder(gpu: Gpu, kind: 'read' | 'write'): BufferRange {
  const { device, placeholders, pool } = stateOf(gpu);
  let buffer = placeholders.get(kind);
  if (!buffer) {
    const label = `heed placeholder ${kind}`;
    buffer = device.createBuffer({ label, size: 256, usage: STORAGE | COPY_DST });
    pool.poison?.(buffer);
    placeholders.set(kind, buffer);
  }
  return { buffer, offset: 0, size: 256, owned: true };
}
