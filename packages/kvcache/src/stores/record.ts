import { ValidationError } from '@heed/core';
import type { PageGeometry } from '../pages/geometry.ts';
import { type PageName, pageName } from '../prefix/page-name.ts';
import { checksum, checksumBytes } from './checksum.ts';
import { headerBytes, viewOf, writeHeader } from './record-header.ts';

/** A full page as a store keeps it. */
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
  /** The page's rows of all layers, in the order of whoever saves and loads it. */
  readonly payload: Uint8Array;
}

const maxPayload = 2 ** 32 - 1;

/**
 * The bytes of a record: header, tokens, payload and a SHA-256 over all of them (record-header.ts has the layout).
 * @throws ValidationError for a record that `decodeRecord` would refuse
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
