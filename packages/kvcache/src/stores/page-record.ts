import { ValidationError } from '@heed/core';
import { type PageName, pageName } from '../pages/page-name.ts';
import { oldExtent, oldVersion, readOldHeader } from './old-record.ts';
import {
  claimedExtent,
  extentFor,
  headerBytes,
  magic,
  readHeader,
  readVersion,
  recordVersion,
  viewOf,
  writeHeader,
} from './record-header.ts';

/** Consecutive full pages of one prefix, in one group of layers: a segment, or one page. */
export interface PageRecord {
  /** The geometry of the whole cache. */
  readonly geometry: string;
  /** As in the key. */
  readonly namespace: string;
  readonly group: number;
  /** Full pages before the record. */
  readonly depth: number;
  /** Name of the page before it, or of the root. */
  readonly parent: PageName;
  /** Name of its last page. */
  readonly name: PageName;
  readonly pages: number;
  /** [pages · pageSize]. */
  readonly tokens: Uint32Array;
  /** The rows, as `packPages` packs a run; empty for a link. */
  readonly payload: Uint8Array;
}

const maxPayload = 2 ** 32 - 1;

/**
 * Returns the bytes of a record: header, tokens, payload and a seal over all of them (record-header.ts has the layout). The seal is
 * an HMAC with `key`, else a SHA-256.
 * @throws ValidationError a payload of 4 GiB or more
 */
export async function encodeRecord(
  record: PageRecord,
  key: CryptoKey | undefined,
): Promise<Uint8Array> {
  const { pages, tokens, payload } = record;
  if (payload.length > maxPayload) {
    throw new ValidationError(
      `encodeRecord: a payload must be under 4 GiB, got ${payload.length} bytes; use smaller pages`,
    );
  }
  const pageSize = tokens.length / pages;
  const isHmac = key !== undefined;
  const header = { ...record, pageSize, payloadBytes: payload.length, isHmac };
  const extent = extentFor(header);
  const bytes = new Uint8Array(extent.end);
  writeHeader(bytes, header);
  const view = viewOf(bytes);
  tokens.forEach((token, i) => view.setUint32(extent.tokens + 4 * i, token, true));
  bytes.set(payload, extent.payload);
  const sealed = bytes.subarray(0, extent.seal);
  bytes.set(
    new Uint8Array(
      key
        ? await crypto.subtle.sign('HMAC', key, sealed)
        : await crypto.subtle.digest('SHA-256', sealed),
    ),
    extent.seal,
  );
  return bytes;
}

/** What the reader expects in a record. Omitted values are not compared. */
export interface ExpectedRecord {
  readonly geometry?: string;
  readonly namespace?: string;
  readonly group?: number;
  readonly depth?: number;
  readonly name?: PageName;
  readonly pageSize?: number;
  /** Bytes of the rows of one page; 0 for a link. */
  readonly pageBytes?: number;
  /** The tokens of all its pages. If given, so are `name` and `parent`, and no name is computed. */
  readonly tokens?: Uint32Array;
  readonly parent?: PageName;
}

/**
 * Reads a record, or returns why it is refused. It never throws, whatever the bytes. `payload` is a view of `bytes`, `tokens` a
 * copy. No memory is allocated by the record's claims before its length and seal confirm them. A record of version 1 is read where
 * no `key` is given.
 */
export async function decodeRecord(
  bytes: Uint8Array,
  expected: ExpectedRecord = {},
  key?: CryptoKey,
): Promise<PageRecord | RefusedRecord> {
  const refusal = refuseFrame(bytes) ?? (await refuseSeal(bytes, key));
  return refusal ?? readRecord(bytes, expected);
}

const isOld = (bytes: Uint8Array): boolean => readVersion(bytes) === oldVersion;

const extentIn = (bytes: Uint8Array) => (isOld(bytes) ? oldExtent(bytes) : claimedExtent(bytes));

/** Makes all checks that need no seal. */
function refuseFrame(bytes: Uint8Array): RefusedRecord | undefined {
  if (!sameBytes(bytes.subarray(0, magic.length), magic.subarray(0, bytes.length))) {
    return refuse('not a record', 'it does not begin like a page record');
  }
  const version = bytes.length >= 12 ? readVersion(bytes) : recordVersion;
  if (version !== recordVersion && version !== oldVersion) {
    const reads = `this heed reads versions ${oldVersion} and ${recordVersion}`;
    return refuse('version', `version ${version}; ${reads}`);
  }
  if (bytes.length < headerBytes) {
    return refuse('truncated', `${bytes.length} bytes; the header alone has ${headerBytes}`);
  }
  const { end } = extentIn(bytes);
  if (bytes.length === end) return undefined;
  return refuse(
    bytes.length < end ? 'truncated' : 'too long',
    `${bytes.length} bytes; its header says ${end}`,
  );
}

/** Checks the seal of a record whose frame is right. */
async function refuseSeal(
  bytes: Uint8Array,
  key: CryptoKey | undefined,
): Promise<RefusedRecord | undefined> {
  const { seal } = extentIn(bytes);
  // Stores return unshared memory; a type that says so would have to be repeated by every caller.
  const sealed = bytes.subarray(0, seal) as Uint8Array<ArrayBuffer>;
  const found = bytes.subarray(seal) as Uint8Array<ArrayBuffer>;
  const isHmac = !isOld(bytes) && viewOf(bytes).getUint32(12, true) === 2;
  if (isHmac !== (key !== undefined)) {
    const [has, wants] = isHmac ? ['an HMAC', 'no key'] : ['a SHA-256', 'a key'];
    return refuse('checksum', `it is sealed with ${has}, and the reader has ${wants}`);
  }
  if (key) {
    if (await crypto.subtle.verify('HMAC', key, found, sealed)) return undefined;
    return refuse('checksum', 'its HMAC is not that of this key: it was altered, or sealed anew');
  }
  if (sameBytes(new Uint8Array(await crypto.subtle.digest('SHA-256', sealed)), found)) {
    return undefined;
  }
  return refuse('checksum', 'its SHA-256 is not the one at its end: it was altered');
}

/** Checks that an intact record is the one that the reader expects. */
function readRecord(bytes: Uint8Array, expected: ExpectedRecord): PageRecord | RefusedRecord {
  const old = isOld(bytes);
  const header = old ? { ...readOldHeader(bytes), namespace: '' } : readHeader(bytes);
  const { geometry, namespace, group, depth, name, parent, pages, pageSize } = header;
  const differs = <T>(found: T, wanted: T | undefined): boolean =>
    wanted !== undefined && found !== wanted;
  if (differs(geometry, expected.geometry)) {
    return refuse('geometry', `${geometry}, expected ${expected.geometry}`);
  }
  if (differs(pageSize, expected.pageSize)) {
    return refuse('geometry', `pages of ${pageSize} tokens, expected ${expected.pageSize}`);
  }
  if (differs(group, expected.group)) {
    return refuse('geometry', `group ${group}, expected ${expected.group}`);
  }
  if (!old && differs(namespace, expected.namespace)) {
    return refuse('namespace', `'${namespace}', expected '${expected.namespace}'`);
  }
  const extent = extentIn(bytes);
  const tokens = readTokens(bytes, extent.tokens, pages * pageSize);
  const wrong = refuseName(header, tokens, expected);
  if (wrong) return wrong;
  if (differs(depth, expected.depth)) {
    return refuse('depth', `${depth} pages before it, expected ${expected.depth}`);
  }
  const { pageBytes } = expected;
  if (pageBytes !== undefined && header.payloadBytes !== pages * pageBytes) {
    return refuse('payload', `${header.payloadBytes} bytes, expected ${pages * pageBytes}`);
  }
  const payload = bytes.subarray(extent.payload, extent.seal);
  return { geometry, namespace, group, depth, parent, name, pages, tokens, payload };
}

function refuseName(
  header: { readonly name: PageName; readonly parent: PageName; readonly pages: number },
  tokens: Uint32Array,
  expected: ExpectedRecord,
): RefusedRecord | undefined {
  const { name, parent, pages } = header;
  if (expected.tokens) {
    const isExpected =
      name === expected.name && parent === expected.parent && sameBytes(tokens, expected.tokens);
    return isExpected
      ? undefined
      : refuse('name', `${name} after ${parent}, expected ${expected.name} and its tokens`);
  }
  const named = namesOf(parent, tokens, pages).at(-1);
  if (name !== named) return refuse('name', `${name}, but its parent and tokens make it ${named}`);
  if (name === (expected.name ?? name)) return undefined;
  return refuse('name', `${name}, expected ${expected.name}`);
}

/** Returns the names of a record's pages, in order. */
function namesOf(parent: PageName, tokens: Uint32Array, pages: number): PageName[] {
  const names: PageName[] = [];
  const pageSize = tokens.length / pages;
  for (let i = 0; i < pages; i++) {
    names.push(pageName(names.at(-1) ?? parent, tokens.subarray(i * pageSize, (i + 1) * pageSize)));
  }
  return names;
}

function readTokens(bytes: Uint8Array, start: number, count: number): Uint32Array {
  const view = viewOf(bytes);
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(start + 4 * i, true));
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
  | 'namespace'
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

function sameBytes(a: Uint8Array | Uint32Array, b: Uint8Array | Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
