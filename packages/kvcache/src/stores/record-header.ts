import type { PageFormat } from '@heed/core';
import type { PageGeometry } from '../pages/page-geometry.ts';
import { fromHex, type PageName, toHex } from '../pages/page-name.ts';

/**
 * The start of a record. All numbers are little-endian u32. `geometry.pageSize` tokens of 4 bytes follow, then the payload, then
 * the checksum.
 *
 * | byte | field |
 * |---|---|
 * | 0 | magic: `heedpage` |
 * | 8 | version |
 * | 12 | layers, kv heads, head dim, head dim of v, page size |
 * | 32 | format: 1 f32, 2 f16, 3 int8, 4 int4, 5 bf16 |
 * | 36 | bytes of the payload |
 * | 40 | name |
 * | 72 | name of the parent |
 * | 104 | depth |
 */
export interface RecordHeader {
  readonly geometry: PageGeometry;
  readonly payloadBytes: number;
  readonly name: PageName;
  readonly parent: PageName;
  /** Full pages before it. */
  readonly depth: number;
}

export const magic: Uint8Array = new TextEncoder().encode('heedpage');
export const recordVersion = 1;
/** Bytes before the tokens. */
export const headerBytes = 108;

// Stored as indices: a new format comes last.
const formats: readonly (PageFormat | undefined)[] = [
  undefined,
  'f32',
  'f16',
  'int8',
  'int4',
  'bf16',
];

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Returns the version of a record that is at least 12 bytes long. */
export const readVersion = (bytes: Uint8Array): number => viewOf(bytes).getUint32(8, true);

/** Writes the header at the start of `bytes`. */
export function writeHeader(bytes: Uint8Array, header: RecordHeader): void {
  const { layers, kvHeads, headDim, headDimV, pageSize, format } = header.geometry;
  const sizes = [layers, kvHeads, headDim, headDimV, pageSize];
  const words = [recordVersion, ...sizes, formats.indexOf(format), header.payloadBytes];
  const view = viewOf(bytes);
  bytes.set(magic);
  words.forEach((word, i) => view.setUint32(8 + 4 * i, word, true));
  bytes.set(fromHex(header.name), 40);
  bytes.set(fromHex(header.parent), 72);
  view.setUint32(104, header.depth, true);
}

/** Returns the length of the whole record, as its header claims: at most 2^34 + 2^32 and a little, so a double is exact. */
export function claimedBytes(bytes: Uint8Array, checksumBytes: number): number {
  const view = viewOf(bytes);
  return headerBytes + 4 * view.getUint32(28, true) + view.getUint32(36, true) + checksumBytes;
}

/** Reads the header of a record of this version; returns undefined for an unknown format. */
export function readHeader(bytes: Uint8Array): RecordHeader | undefined {
  const view = viewOf(bytes);
  const word = (offset: number): number => view.getUint32(offset, true);
  const format = formats[word(32)];
  if (format === undefined) return undefined;
  return {
    geometry: {
      layers: word(12),
      kvHeads: word(16),
      headDim: word(20),
      headDimV: word(24),
      pageSize: word(28),
      format,
    },
    payloadBytes: word(36),
    name: toHex(bytes.subarray(40, 72)),
    parent: toHex(bytes.subarray(72, 104)),
    depth: word(104),
  };
}
