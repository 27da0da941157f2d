import { fromHex, type PageName, toHex } from '../pages/page-name.ts';

/**
 * The start of a record. All numbers are little-endian u32. The texts follow, in ASCII and padded with zeros to whole words, then
 * the tokens of all pages, zeros up to a multiple of 16, the payload, and the seal of 32 bytes.
 *
 * | byte | field |
 * |---|---|
 * | 0 | magic: `heedpage` |
 * | 8 | version: 2 |
 * | 12 | seal: 1 SHA-256, 2 HMAC with SHA-256 |
 * | 16 | bytes of the payload |
 * | 20 | group of layers |
 * | 24 | depth: full pages before the record |
 * | 28 | pages |
 * | 32 | tokens in a page |
 * | 36 | bytes of the geometry's text |
 * | 40 | bytes of the namespace, as in the key |
 * | 44 | name of the page before it, or of the root |
 * | 76 | name of its last page |
 * | 108 | the texts |
 */
export interface RecordHeader {
  /** The geometry of the whole cache. */
  readonly geometry: string;
  /** As in the key: ASCII. */
  readonly namespace: string;
  readonly group: number;
  readonly depth: number;
  readonly pages: number;
  /** Tokens in a page. */
  readonly pageSize: number;
  readonly payloadBytes: number;
  readonly parent: PageName;
  readonly name: PageName;
  readonly isHmac: boolean;
}

export const magic: Uint8Array = new TextEncoder().encode('heedpage');
export const recordVersion = 2;
/** Bytes before the texts. */
export const headerBytes = 108;
const sealBytes = 32;

/** Where the tokens and the payload of a record begin, and where it ends. */
export interface RecordExtent {
  readonly tokens: number;
  readonly payload: number;
  readonly seal: number;
  readonly end: number;
}

const upTo = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

function extentOf(textBytes: number, tokenCount: number, payloadBytes: number): RecordExtent {
  const tokens = upTo(headerBytes + textBytes, 4);
  const payload = upTo(tokens + 4 * tokenCount, 16);
  const seal = payload + payloadBytes;
  return { tokens, payload, seal, end: seal + sealBytes };
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Returns the version of a record that is at least 12 bytes long. */
export const readVersion = (bytes: Uint8Array): number => viewOf(bytes).getUint32(8, true);

/** Returns the extent of a record with this header. */
export const extentFor = (header: RecordHeader): RecordExtent =>
  extentOf(
    header.geometry.length + header.namespace.length,
    header.pages * header.pageSize,
    header.payloadBytes,
  );

/** Returns the extent that a header claims; a double holds any of them well enough to refuse it. */
export function claimedExtent(bytes: Uint8Array): RecordExtent {
  const view = viewOf(bytes);
  const word = (offset: number): number => view.getUint32(offset, true);
  return extentOf(word(36) + word(40), word(28) * word(32), word(16));
}

/** Writes the header and its texts at the start of `bytes`. */
export function writeHeader(bytes: Uint8Array, header: RecordHeader): void {
  const { geometry, namespace, group, depth, pages, pageSize, payloadBytes, isHmac } = header;
  const sizes = [payloadBytes, group, depth, pages, pageSize, geometry.length, namespace.length];
  const view = viewOf(bytes);
  bytes.set(magic);
  [recordVersion, isHmac ? 2 : 1, ...sizes].forEach((word, i) =>
    view.setUint32(8 + 4 * i, word, true),
  );
  bytes.set(fromHex(header.parent), 44);
  bytes.set(fromHex(header.name), 76);
  bytes.set(new TextEncoder().encode(geometry + namespace), headerBytes);
}

/** Reads the header of a record of this version whose extent is that of `bytes`. */
export function readHeader(bytes: Uint8Array): RecordHeader {
  const view = viewOf(bytes);
  const word = (offset: number): number => view.getUint32(offset, true);
  const text = (start: number, length: number): string =>
    String.fromCharCode(...bytes.subarray(start, start + Math.min(length, 1000)));
  return {
    isHmac: word(12) === 2,
    payloadBytes: word(16),
    group: word(20),
    depth: word(24),
    pages: word(28),
    pageSize: word(32),
    geometry: text(headerBytes, word(36)),
    namespace: text(headerBytes + word(36), word(40)),
    parent: toHex(bytes.subarray(44, 76)),
    name: toHex(bytes.subarray(76, 108)),
  };
}
