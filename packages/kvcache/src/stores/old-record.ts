import type { PageFormat } from '@heed/core';
import { geometryText } from '../pages/page-geometry.ts';
import { toHex } from '../pages/page-name.ts';
import { type RecordExtent, type RecordHeader, viewOf } from './record-header.ts';

/**
 * Records of version 1, which heed no longer writes: one page, of a cache with one group, under a SHA-256. The tokens follow the
 * header, then the payload and the checksum.
 *
 * | byte | field |
 * |---|---|
 * | 0 | magic: `heedpage` |
 * | 8 | version: 1 |
 * | 12 | layers, kv heads, head dim, head dim of v, page size |
 * | 32 | format: 1 f32, 2 f16, 3 int8, 4 int4, 5 bf16 |
 * | 36 | bytes of the payload |
 * | 40 | name |
 * | 72 | name of the parent |
 * | 104 | depth |
 */
const headerBytes = 108;
export const oldVersion = 1;

const formats: readonly (PageFormat | undefined)[] = [
  undefined,
  'f32',
  'f16',
  'int8',
  'int4',
  'bf16',
];

/** Returns the extent that the header of a record of version 1 claims. */
export function oldExtent(bytes: Uint8Array): RecordExtent {
  const view = viewOf(bytes);
  const payload = headerBytes + 4 * view.getUint32(28, true);
  const seal = payload + view.getUint32(36, true);
  return { tokens: headerBytes, payload, seal, end: seal + 32 };
}

/** Reads the header of a record of version 1. Its namespace is in its key only. */
export function readOldHeader(bytes: Uint8Array): Omit<RecordHeader, 'namespace'> {
  const view = viewOf(bytes);
  const word = (offset: number): number => view.getUint32(offset, true);
  const format = formats[word(32)] ?? ('unknown' as PageFormat);
  const pageSize = word(28);
  const [layers, kvHeads, headDim, headDimV] = [word(12), word(16), word(20), word(24)];
  return {
    geometry: geometryText({ layers, kvHeads, headDim, headDimV, pageSize, format }),
    group: 0,
    depth: word(104),
    pages: 1,
    pageSize,
    payloadBytes: word(36),
    name: toHex(bytes.subarray(40, 72)),
    parent: toHex(bytes.subarray(72, 104)),
    isHmac: false,
  };
}
