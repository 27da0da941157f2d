import { checkName, checkNames, refuse } from './refuse.ts';

/** Names that became findable, names that no longer are, or the end of all. Names are their first 32 hexadecimal digits. */
export type KvOperation =
  | { readonly stored: readonly string[] }
  | { readonly removed: readonly string[] }
  | { readonly cleared: true };

/**
 * What a worker tells of its cache: plain data, for JSON. Names are those of `prefixNames`, cut to 16 bytes; no tokens are in it.
 * Messages of an epoch have the numbers 1, 2, 3, …; a snapshot has the number of the last message that it includes.
 */
export interface KvEventMessage {
  readonly version: 1;
  /** The worker that tells it, 1 to 256 characters. */
  readonly worker: string;
  /** Grows with each start of the worker. */
  readonly epoch: number;
  readonly seq: number;
  /** Tokens in a page of the worker's cache. */
  readonly pageSize: number;
  /** Model and tokenizer, as in the cache's stores; `''` where there is only one. */
  readonly namespace: string;
  /** The operations give all that is findable, in place of what was known. */
  readonly snapshot?: boolean;
  readonly operations: readonly KvOperation[];
}

const messageNames = {
  version: 1,
  worker: 1,
  epoch: 1,
  seq: 1,
  pageSize: 1,
  namespace: 1,
  snapshot: 1,
  operations: 1,
} as const;

/** Hexadecimal digits of a name that the index keeps. */
export const nameDigits = 32;

/** Most names of one message, and most entries of one worker: 16 million tokens in pages of 16. */
export const mostNames: number = 1 << 20;

const isName = /^[0-9a-f]{32}$/;

/**
 * Returns a value of unknown origin as a message.
 *
 * @throws ValidationError it is none, is of another version, or has more than 1,048,576 names
 *
 * @example
 * const message = parseMessage(JSON.parse(text));
 */
export function parseMessage(value: unknown): KvEventMessage {
  const fn = 'parseMessage';
  const fix = 'Messages come from publishKvEvents of a worker of the same version.';
  checkNames(fn, 'a message', value, messageNames);
  const message = value as KvEventMessage;
  const { version, epoch, seq, pageSize, namespace, snapshot = false, operations } = message;
  if (version !== 1) refuse(fn, 'the version must be 1', version, fix);
  checkName(fn, 'worker', message.worker);
  checkWhole(fn, 'epoch', epoch, 0);
  checkWhole(fn, 'seq', seq, 0);
  checkWhole(fn, 'pageSize', pageSize, 1);
  if (typeof namespace !== 'string' || namespace.length > 1024) {
    refuse(fn, 'namespace must be a string of at most 1,024 characters', namespace, fix);
  }
  if (typeof snapshot !== 'boolean') refuse(fn, 'snapshot must be true or false', snapshot, fix);
  if (!Array.isArray(operations)) refuse(fn, 'operations must be an array', operations, fix);
  let left = mostNames;
  for (const operation of operations) {
    left -= checkOperation(fn, operation, fix);
    if (left < 0) refuse(fn, `a message has at most ${mostNames} names`, 'more', fix);
  }
  return message;
}

/** Returns how many names, at least one, an operation counts as. */
function checkOperation(fn: string, operation: unknown, fix: string): number {
  const entries = Object.entries(operation ?? {});
  const [kind, value] = entries.length === 1 ? entries[0]! : [];
  if (kind === 'cleared' && value === true) return 1;
  const isList = (kind === 'stored' || kind === 'removed') && Array.isArray(value);
  if (!isList) {
    refuse(fn, 'an operation must be { stored }, { removed } or { cleared: true }', operation, fix);
  }
  for (const name of value) {
    if (typeof name === 'string' && isName.test(name)) continue;
    refuse(fn, `a name must be ${nameDigits} hexadecimal digits`, name, fix);
  }
  return Math.max(1, value.length);
}

function checkWhole(fn: string, name: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  refuse(fn, `${name} must be a whole number from ${least} on`, value, 'Check who wrote it.');
}
