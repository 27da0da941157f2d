import { refuse } from './valkey-errors.ts';

/** Control keys of one cell. The cell is their hash tag, so that a cluster keeps them together. They are not evicted: all but heartbeats live for ever. */
export interface CellKeys {
  /** A set. */
  readonly workers: string;
  /** Expires. */
  heartbeat(worker: string): string;
  /** A stream. */
  events(worker: string): string;
  snapshot(worker: string): string;
}

/** @throws ValidationError a cell whose name would not be a hash tag */
export function cellKeys(fn: string, cell: string): CellKeys {
  if (typeof cell !== 'string' || !/^[^{}]{1,128}$/.test(cell)) {
    const rule = 'cell must be a string of 1 to 128 characters without braces';
    refuse(fn, rule, cell, "Pass a name such as 'eu-1'.");
  }
  const key = (rest: string): string => `heed:{${cell}}:${rest}`;
  return {
    workers: key('workers'),
    heartbeat: (worker) => key(`w:${worker}`),
    events: (worker) => key(`ev:${worker}`),
    snapshot: (worker) => key(`snap:${worker}`),
  };
}

/** Bytes of the largest control value that is parsed: a snapshot of as many names as a message may have. */
const mostBytes = 48 * 2 ** 20;

/** Returns the JSON of a value; undefined if it is none, or too large. */
export function parsed(bytes: Uint8Array | string | null | undefined): unknown {
  if (bytes === null || bytes === undefined || bytes.length > mostBytes) return undefined;
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What a worker writes each second. */
export interface Heartbeat {
  readonly version: 1;
  readonly url: string;
  readonly bits?: string;
  readonly load: unknown;
  readonly epoch: number;
  /** Its last message. */
  readonly seq: number;
}

/** Milliseconds after which a heartbeat expires. */
export const heartbeatMs = 3000;

/** A worker's prefixes, and where its stream goes on. */
export interface StoredSnapshot {
  /** The id of the last entry that it includes. */
  readonly at: string;
  readonly message: { readonly epoch?: unknown };
}

/** Returns a value as a snapshot; undefined if it is none. Its message is not checked. */
export function snapshotOf(bytes: Uint8Array | null): StoredSnapshot | undefined {
  const value = parsed(bytes) as Partial<StoredSnapshot> | undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const { at, message } = value;
  const isSnapshot = typeof at === 'string' && /^\d{1,20}-\d{1,20}$/.test(at);
  return isSnapshot && typeof message === 'object' && message !== null
    ? { at, message }
    : undefined;
}

/** What publishers and followers count. */
export interface EventStats {
  /** Messages that were written, or taken. */
  readonly messages: number;
  readonly snapshots: number;
  /** Commands that failed, and values that could not be used. */
  readonly errors: number;
  readonly lastError: Error | undefined;
}

/** The counters behind {@link EventStats}. */
export class EventCounters {
  messages = 0;
  snapshots = 0;
  errors = 0;
  lastError: Error | undefined;

  failed(error: unknown): void {
    this.errors++;
    this.lastError = error instanceof Error ? error : new Error(String(error));
  }

  stats(): EventStats {
    const { messages, snapshots, errors, lastError } = this;
    return { messages, snapshots, errors, lastError };
  }
}
