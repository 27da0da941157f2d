import type { Gpu } from '../api.ts';
import { stateOf } from '../device/state.ts';
import type { BufferRange } from './range.ts';
import { STORAGE } from './usage.ts';

/** A small buffer for a binding slot that a kernel does not use. 'read' and 'write' differ, since one dispatch may need both. */
export function placeholder(gpu: Gpu, kind: 'read' | 'write'): BufferRange {
  const { device, placeholders } = stateOf(gpu);
  let buffer = placeholders.get(kind);
  if (!buffer) {
    buffer = device.createBuffer({ label: `heed placeholder ${kind}`, size: 256, usage: STORAGE });
    placeholders.set(kind, buffer);
  }
  return { buffer, offset: 0, size: 256, owned: true };
}
