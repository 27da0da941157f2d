import { fail, type Meant, type NamesOf, readOptions, show } from '@heed/core/kernel';
import { fromHex, type PageName } from '../pages/page-name.ts';
import { checkWhole } from '../pages/whole-numbers.ts';
import type { KvEvents, RemovedEvent, StoredEvent } from './cache-events.ts';
import { MessagePack } from './message-pack.ts';

/** An event of a cache with its name, as `cache.on` gives both. */
export type KvEventEntry = {
  [E in keyof KvEvents]: readonly [event: E, value: KvEvents[E]];
}[keyof KvEvents];

/** Options of `encodeEventBatch`. */
export interface EventBatchOptions {
  /**
   * Whether messages are maps with a `type` tag, as newer versions of vLLM write them, or arrays, as those of 2025 do. Default:
   * `'maps'`.
   */
  readonly form?: 'maps' | 'arrays';
  /**
   * `'bytes'`: a block hash is the 32 bytes of the page's name. `'integers'`: it is their last 8 bytes as an unsigned big-endian
   * integer, which is what vLLM sends unless VLLM_KV_EVENTS_USE_INT_BLOCK_HASHES is 0. Default: `'bytes'`.
   */
  readonly hashes?: 'bytes' | 'integers';
  /** Seconds since 1970. Default: now. */
  readonly timestamp?: number;
  /** Where the pages are, as vLLM names it. Default: `'GPU'`. */
  readonly medium?: string;
  /** Number of the worker among replicas of one model, 0 or more. Default: none. */
  readonly dataParallelRank?: number;
}

export const eventBatchNames: NamesOf<EventBatchOptions> = {
  form: 1,
  hashes: 1,
  timestamp: 1,
  medium: 1,
  dataParallelRank: 1,
};

const meantBatch: Meant = () => ({
  ts: 'timestamp',
  rank: 'dataParallelRank',
  dataparallelrank: 'dataParallelRank',
  pagesize: 'The block size is the number of tokens of each event; leave it out.',
  blocksize: 'The block size is the number of tokens of each event; leave it out.',
});

/** Names and values of a message's fields, in the order of the arrays. Fields from `optional` on are left out of maps. */
interface Message {
  readonly type?: string;
  readonly fields: readonly (readonly [name: string, write: (pack: MessagePack) => void])[];
  readonly optional: readonly string[];
}

/**
 * Returns events as a vLLM `KVEventBatch`, in MessagePack: what routers for vLLM read, for example from a ZeroMQ socket of yours.
 * Consecutive pages of one chain are one `BlockStored`, consecutive removals one `BlockRemoved`.
 *
 * **The batch holds the tokens of the prompts** (`token_ids`), since these routers compute their own hashes: send it only where
 * prompts may go. A block hash is the page's name, a SHA-256 of 32 bytes. The parent of a first page is null, whatever its salt.
 *
 * Source: vllm/distributed/kv_events.py of vLLM, as of 2026 (maps) and 2025 (arrays).
 *
 * @param events in the order in which the cache told them
 * @throws ValidationError events or options out of range
 *
 * @example
 * const pending: KvEventEntry[] = [];
 * cache.on('stored', (event) => pending.push(['stored', event]));
 * cache.on('removed', (event) => pending.push(['removed', event]));
 * cache.on('cleared', () => pending.push(['cleared', undefined]));
 * const flush = () => encodeEventBatch(pending.splice(0), { dataParallelRank: 0 });
 */
export function encodeEventBatch(
  events: readonly KvEventEntry[],
  options?: EventBatchOptions,
): Uint8Array {
  const fn = 'encodeEventBatch';
  const given = checkOptions(fn, options);
  checkEvents(fn, events);
  const messages: Message[] = [];
  for (let i = 0; i < events.length;) {
    const end = runEnd(events, i);
    messages.push(messageOf(events.slice(i, end), given));
    i = end;
  }
  const { form = 'maps', timestamp = Date.now() / 1000, dataParallelRank: rank } = given;
  const pack = new MessagePack();
  write(pack, form, {
    fields: [
      ['ts', () => pack.float(timestamp)],
      [
        'events',
        () => {
          pack.array(messages.length);
          for (const message of messages) write(pack, form, message);
        },
      ],
      ['data_parallel_rank', () => (rank === undefined ? pack.nil() : pack.unsigned(rank))],
    ],
    optional: rank === undefined ? ['data_parallel_rank'] : [],
  });
  return pack.bytes();
}

/** Returns the end of the events from `start` on that one message tells. */
function runEnd(events: readonly KvEventEntry[], start: number): number {
  const [kind, first] = events[start]!;
  let end = start + 1;
  if (kind === 'cleared') return end;
  for (; events[end]?.[0] === kind; end++) {
    if (kind === 'removed') continue;
    const [before, next] = [events[end - 1]![1] as StoredEvent, events[end]![1] as StoredEvent];
    const size = first.tokens.length;
    if (next.parent !== before.name || next.tokens.length !== size) break;
  }
  return end;
}

function messageOf(
  run: readonly KvEventEntry[],
  { hashes = 'bytes', medium = 'GPU' }: EventBatchOptions,
): Message {
  const hash = (pack: MessagePack, name: PageName): void =>
    hashes === 'bytes' ? pack.binary(fromHex(name)) : pack.unsigned(BigInt(`0x${name.slice(-16)}`));
  const list = (pack: MessagePack, names: readonly PageName[]): void => {
    pack.array(names.length);
    for (const name of names) hash(pack, name);
  };
  const nil = (pack: MessagePack): void => pack.nil();
  const text = (pack: MessagePack): void => pack.text(medium);
  const [kind] = run[0]!;
  if (kind === 'cleared') return { type: 'AllBlocksCleared', fields: [], optional: [] };
  if (kind === 'removed') {
    const names = run.map(([, event]) => (event as RemovedEvent).name);
    return {
      type: 'BlockRemoved',
      fields: [
        ['block_hashes', (pack) => list(pack, names)],
        ['medium', text],
        ['group_idx', nil],
      ],
      optional: ['group_idx'],
    };
  }
  const stored = run.map(([, event]) => event as StoredEvent);
  const { parent, depth, tokens } = stored[0]!;
  return {
    type: 'BlockStored',
    fields: [
      [
        'block_hashes',
        (pack) =>
          list(
            pack,
            stored.map(({ name }) => name),
          ),
      ],
      ['parent_block_hash', (pack) => (depth === 0 ? pack.nil() : hash(pack, parent))],
      [
        'token_ids',
        (pack) => {
          pack.array(stored.length * tokens.length);
          for (const page of stored) for (const token of page.tokens) pack.unsigned(token);
        },
      ],
      ['block_size', (pack) => pack.unsigned(tokens.length)],
      ['lora_id', nil],
      ['medium', text],
      ['lora_name', nil],
      ...spareFields.map((name) => [name, nil] as const),
    ],
    optional: spareFields,
  };
}

/** Fields of `BlockStored` that heed does not have: null in arrays, and not in maps. */
const spareFields = [
  'extra_keys',
  'group_idx',
  'kv_cache_spec_kind',
  'kv_cache_spec_sliding_window',
];

function write(pack: MessagePack, form: 'maps' | 'arrays', message: Message): void {
  const { type, fields, optional } = message;
  if (form === 'arrays') {
    pack.array(fields.length + (type ? 1 : 0));
    if (type) pack.text(type);
    for (const [, value] of fields) value(pack);
    return;
  }
  const present = fields.filter(([name]) => !optional.includes(name));
  pack.map(present.length + (type ? 1 : 0));
  if (type) {
    pack.text('type');
    pack.text(type);
  }
  for (const [name, value] of present) {
    pack.text(name);
    value(pack);
  }
}

function checkOptions(fn: string, given: EventBatchOptions | undefined): EventBatchOptions {
  const options = readOptions(fn, given, eventBatchNames, meantBatch);
  const { form = 'maps', hashes = 'bytes', timestamp = 0, medium = '' } = options;
  if (form !== 'maps' && form !== 'arrays') {
    fail(fn, "form must be 'maps' or 'arrays'", show(form), "Leave it out for 'maps'.");
  }
  if (hashes !== 'bytes' && hashes !== 'integers') {
    fail(fn, "hashes must be 'bytes' or 'integers'", show(hashes), "Leave it out for 'bytes'.");
  }
  if (!Number.isFinite(timestamp)) {
    fail(fn, 'timestamp must be seconds since 1970', show(timestamp), 'Leave it out for now.');
  }
  if (typeof medium !== 'string') {
    fail(fn, 'medium must be a string', show(medium), "Leave it out for 'GPU'.");
  }
  const { dataParallelRank } = options;
  if (dataParallelRank !== undefined) checkWhole(fn, 'dataParallelRank', dataParallelRank, 0);
  return options;
}

const isName = (name: unknown): boolean => typeof name === 'string' && /^[0-9a-f]{64}$/.test(name);

function checkEvents(fn: string, events: readonly KvEventEntry[]): void {
  const fix = "Pass pairs such as ['stored', event], as cache.on gives the two.";
  if (!Array.isArray(events)) fail(fn, 'events must be an array', show(events), fix);
  for (const [i, entry] of events.entries()) {
    const [kind, event] = Array.isArray(entry) ? (entry as unknown as KvEventEntry) : [];
    const isStored =
      kind === 'stored' &&
      isName(event?.name) &&
      isName(event?.parent) &&
      event?.tokens?.length > 0;
    const isRemoved = kind === 'removed' && isName(event?.name);
    if (isStored || isRemoved || kind === 'cleared') continue;
    fail(fn, `events[${i}] must be an event of a cache`, show(entry), fix);
  }
}
