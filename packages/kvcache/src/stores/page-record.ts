import { ValidationError } from '@heed/core';
import { geometryText, type PageGeometry } from '../pages/page-geometry.ts';
import { type PageName, pageName } from '../pages/page-name.ts';
import {
  claimedBytes,
  headerBytes,
  magic,
  readHeader,
  readVersion,
  recordVersion,
  viewOf,
  writeHeader,
} from './record-header.ts';

/** A full page in a store. */
export interface PageRecord {
  readonly geometry: PageGeometry;
  /** `pageName(parent, tokens)`. */
  readonly name: PageName;
  /** Name of the page before it, or of the root. */
  readonly parent: PageName;
  /** Full pages before it. */
  readonly depth: number;
  /** [pageSize]. */
  readonly tokens: Uint32Array;
  /** The page's rows of all layers, in the layout of `packPages`. */
  readonly payload: Uint8Array;
}

const maxPayload = 2 ** 32 - 1;

/**
 * Returns the bytes of a record: header, tokens, payload and a SHA-256 over all of them (record-header.ts has the layout).
 * @throws ValidationError a record that `decodeRecord` would refuse
 */
export async function encodeRecord(record: PageRecord): Promise<Uint8Array> {
  checkRecord(record);
  const { geometry, tokens, payload } = record;
  const payloadStart = headerBytes + 4 * tokens.length;
  const end = payloadStart + payload.length;
  const bytes = new Uint8Array(end + checksumBytes);
  writeHeader(bytes, { ...record, geometry, payloadBytes: payload.length });
  const view = viewOf(bytes);
  tokens.forEach((token, i) => view.setUint32(headerBytes + 4 * i, token, true));
  bytes.set(payload, payloadStart);
  bytes.set(await checksum(bytes.subarray(0, end)), end);
  return bytes;
}

function checkRecord({ geometry, name, parent, tokens, payload }: PageRecord): void {
  const fail = (rule: string): never => {
    throw new ValidationError(`encodeRecord: ${rule}`);
  };
  if (tokens.length !== geometry.pageSize) {
    fail(`a page of ${geometry.pageSize} tokens must be full to be saved, got ${tokens.length}`);
  }
  if (payload.length > maxPayload) {
    fail(`a payload must be under 4 GiB, got ${payload.length} bytes; use smaller pages`);
  }
  const expected = pageName(parent, tokens);
  if (name !== expected) {
    fail(`a page must be named pageName(parent, tokens), ${expected}, got ${name}`);
  }
}

/** Values that the reader expects in a record. Omitted ones are not compared. */
interface ExpectedRecord {
  readonly geometry?: PageGeometry;
  readonly name?: PageName;
  readonly depth?: number;
  readonly payloadBytes?: number;
}

/**
 * Reads a record, or returns why it is refused. It never throws, whatever the bytes. `payload` is a view of `bytes`, `tokens` a
 * copy. No memory is allocated by the record's claims before its length and checksum confirm them.
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

/** Makes all checks that need no checksum. */
function refuseFrame(bytes: Uint8Array): RefusedRecord | undefined {
  if (!sameBytes(bytes.subarray(0, magic.length), magic.subarray(0, bytes.length))) {
    return refuse('not a record', 'it does not begin like a page record');
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

/** Checks that an intact record is the one that the reader expects. */
function readRecord(bytes: Uint8Array, expected: ExpectedRecord): PageRecord | RefusedRecord {
  const header = readHeader(bytes);
  if (header === undefined)
    return refuse('geometry', 'its format is unknown to this version of heed');
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

/**
 * Why a page of a store was left out. A record that breaks several rules is refused for the first in this order; 'missing': the
 * store lists the key and has no record; 'orphan': the page before it is neither in the cache nor in the store.
 */
export type PageRefusal =
  | 'not a record'
  | 'version'
  | 'truncated'
  | 'too long'
  | 'checksum'
  | 'geometry'
  | 'name'
  | 'depth'
  | 'payload'
  | 'missing'
  | 'orphan';

type RecordRefusal = Exclude<PageRefusal, 'missing' | 'orphan'>;

/** Result for a record that cannot be used. It is data, not an error, since the rest of a store still loads. */
export interface RefusedRecord {
  readonly refused: RecordRefusal;
  /** In words, with the found and the expected value. */
  readonly reason: string;
}

const refuse = (refused: RecordRefusal, reason: string): RefusedRecord => ({ refused, reason });

const checksumBytes = 32;

/** Computes SHA-256 by the platform's asynchronous function: payloads are large, and it is many times faster than ours. */
async function checksum(bytes: Uint8Array): Promise<Uint8Array> {
  // Stores return unshared memory; a type that says so would have to be repeated by every caller.
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
