import type { PageGeometry } from '../pages/geometry.ts';
import { type PageName, pageName } from '../prefix/page-name.ts';
import { checksum, checksumBytes, sameBytes } from './checksum.ts';
import { geometryText } from './geometry-text.ts';
import {
  claimedBytes,
  headerBytes,
  magic,
  readHeader,
  readVersion,
  recordVersion,
  viewOf,
} from './record-header.ts';
import type { PageRecord } from './record.ts';
import { refuse, type RefusedRecord } from './refused-record.ts';

/** What the reader knows of a record before it has read it; what is left out is not compared. */
export interface ExpectedRecord {
  readonly geometry?: PageGeometry;
  readonly name?: PageName;
  readonly depth?: number;
  readonly payloadBytes?: number;
}

/**
 * Reads a record, or says why not; throws nothing, whatever the bytes. `payload` is a view of `bytes`, `tokens` a copy.
 * Nothing is allocated by what the record claims until its length and checksum bear it out.
 */
export async function decodeRecord(
  bytes: Uint8Array,
  expected: ExpectedRecord = {},
): Promise<PageRecord | RefusedRecord> {
  const refusal = refuseFrame(bytes);
  if (refusal !== undefined) return refusal;
  const end = bytes.length - checksumBytes;
  if (!sameBytes(await checksum(bytes.subarray(0, end)), bytes.subarray(end))) {
    return refuse('checksum', 'its SHA-256 is not the one at its end: it was altered');
  }
  return readRecord(bytes.subarray(0, end), expected);
}

/** What can be wrong before the checksum is worth computing. */
function refuseFrame(bytes: Uint8Array): RefusedRecord | undefined {
  if (!sameBytes(bytes.subarray(0, magic.length), magic.subarray(0, bytes.length))) {
    return refuse('not a record', 'its first bytes are not those of a page record');
  }
  if (bytes.length >= 12 && readVersion(bytes) !== recordVersion) {
    const version = readVersion(bytes);
    return refuse('version', `version ${version}; this heed reads version ${recordVersion}`);
  }
  if (bytes.length < headerBytes) {
    return refuse('truncated', `${bytes.length} bytes; the header alone has ${headerBytes}`);
  }
  const claimed = claimedBytes(bytes, checksumBytes);
  if (bytes.length === claimed) return undefined;
  return refuse(
    bytes.length < claimed ? 'truncated' : 'too long',
    `${bytes.length} bytes; its header says ${claimed}`,
  );
}

/** Of what was written so, bit for bit: is it the record that the reader wants? */
function readRecord(bytes: Uint8Array, expected: ExpectedRecord): PageRecord | RefusedRecord {
  const header = readHeader(bytes);
  if (header === undefined) return refuse('geometry', 'its format is none that this heed knows');
  const { geometry, name, parent, depth, payloadBytes } = header;
  const wanted = expected.geometry ?? geometry;
  if (geometryText(geometry) !== geometryText(wanted)) {
    return refuse('geometry', `${geometryText(geometry)}, expected ${geometryText(wanted)}`);
  }
  const tokens = readTokens(bytes, geometry.pageSize);
  const named = pageName(parent, tokens);
  if (name !== named) return refuse('name', `${name}, but its parent and tokens make it ${named}`);
  if (name !== (expected.name ?? name)) return refuse('name', `${name}, expected ${expected.name}`);
  if (depth !== (expected.depth ?? depth)) {
    return refuse('depth', `${depth} pages before it, expected ${expected.depth}`);
  }
  if (payloadBytes !== (expected.payloadBytes ?? payloadBytes)) {
    return refuse('payload', `${payloadBytes} bytes, expected ${expected.payloadBytes}`);
  }
  const payload = bytes.subarray(headerBytes + tokens.byteLength);
  return { geometry, name, parent, depth, tokens, payload };
}

function readTokens(bytes: Uint8Array, count: number): Uint32Array {
  const view = viewOf(bytes);
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(headerBytes + 4 * i, true));
}
