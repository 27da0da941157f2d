import { HeedError } from '@heed/core';
import { Unpackr } from 'msgpackr';
import { expect, it } from 'vitest';
import type { StoredEvent } from '../../src/cache/cache-events.ts';
import { encodeEventBatch, type KvEventEntry } from '../../src/events.ts';

// Written by msgspec 0.22.0 from the structs of vLLM's vllm/distributed/kv_events.py at 0181ea31 (maps), and from the same structs
// with array_like, as they were in 2025 (arrays).
const fixtures = {
  'maps of bytes': [
    '83a27473cb41d954fc40100000a66576656e74739488a474797065ab426c6f636b53746f726564ac626c6f636b5f68617368657392c420252627',
    '28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344c4204a4b4c4d4e4f505152535455565758595a5b5c5d5e5f6061626364',
    '6566676869b1706172656e745f626c6f636b5f68617368c0a9746f6b656e5f69647396010203cd0190ce00011170ceffffffffaa626c6f636b5f',
    '73697a6503a76c6f72615f6964c0a66d656469756da3475055a96c6f72615f6e616d65c088a474797065ab426c6f636b53746f726564ac626c6f',
    '636b5f68617368657391c4206f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8eb1706172656e745f626c6f636b5f',
    '68617368c4209495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3a9746f6b656e5f6964739305ccc807aa626c6f63',
    '6b5f73697a6503a76c6f72615f6964c0a66d656469756da3475055a96c6f72615f6e616d65c083a474797065ac426c6f636b52656d6f766564ac',
    '626c6f636b5f68617368657392c4206f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8ec4204a4b4c4d4e4f505152',
    '535455565758595a5b5c5d5e5f60616263646566676869a66d656469756da347505581a474797065b0416c6c426c6f636b73436c6561726564b2',
    '646174615f706172616c6c656c5f72616e6b00',
  ].join(''),
  'maps of integers': [
    '83a27473cb41d954fc40100000a66576656e74739488a474797065ab426c6f636b53746f726564ac626c6f636b5f68617368657392cf3d3e3f40',
    '41424344cf6263646566676869b1706172656e745f626c6f636b5f68617368c0a9746f6b656e5f69647396010203cd0190ce00011170ceffffff',
    'ffaa626c6f636b5f73697a6503a76c6f72615f6964c0a66d656469756da3475055a96c6f72615f6e616d65c088a474797065ab426c6f636b5374',
    '6f726564ac626c6f636b5f68617368657391cf8788898a8b8c8d8eb1706172656e745f626c6f636b5f68617368cfacadaeafb0b1b2b3a9746f6b',
    '656e5f6964739305ccc807aa626c6f636b5f73697a6503a76c6f72615f6964c0a66d656469756da3475055a96c6f72615f6e616d65c083a47479',
    '7065ac426c6f636b52656d6f766564ac626c6f636b5f68617368657392cf8788898a8b8c8d8ecf6263646566676869a66d656469756da3475055',
    '81a474797065b0416c6c426c6f636b73436c6561726564b2646174615f706172616c6c656c5f72616e6b00',
  ].join(''),
  'arrays of bytes': [
    '93cb41d954fc40100000949cab426c6f636b53746f72656492c42025262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40414243',
    '44c4204a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60616263646566676869c096010203cd0190ce00011170ceffffffff03c0a34750',
    '55c0c0c0c0c09cab426c6f636b53746f72656491c4206f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8ec4209495',
    '969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b39305ccc80703c0a3475055c0c0c0c0c094ac426c6f636b52656d6f76',
    '656492c4206f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8ec4204a4b4c4d4e4f505152535455565758595a5b5c',
    '5d5e5f60616263646566676869a3475055c091b0416c6c426c6f636b73436c656172656400',
  ].join(''),
  'arrays of integers': [
    '93cb41d954fc40100000949cab426c6f636b53746f72656492cf3d3e3f4041424344cf6263646566676869c096010203cd0190ce00011170ceff',
    'ffffff03c0a3475055c0c0c0c0c09cab426c6f636b53746f72656491cf8788898a8b8c8d8ecfacadaeafb0b1b2b39305ccc80703c0a3475055c0',
    'c0c0c0c094ac426c6f636b52656d6f76656492cf8788898a8b8c8d8ecf6263646566676869a3475055c091b0416c6c426c6f636b73436c656172',
    '656400',
  ].join(''),
};

const digest = (page: number): Buffer =>
  Buffer.from(Array.from({ length: 32 }, (_, i) => page * 37 + i));
const name = (page: number): string => digest(page).toString('hex');

const stored = (page: number, parent: number, depth: number, tokens: number[]): KvEventEntry => {
  const event: StoredEvent = {
    name: name(page),
    parent: name(parent),
    tokens: Uint32Array.from(tokens),
    depth,
    page,
  };
  return ['stored', event];
};

/** A chain of two pages, a page of another chain, two removals, and a clear. */
const events: readonly KvEventEntry[] = [
  stored(1, 0, 0, [1, 2, 3]),
  stored(2, 1, 1, [400, 70_000, 2 ** 32 - 1]),
  stored(3, 4, 3, [5, 200, 7]),
  ['removed', { name: name(3), page: 3 }],
  ['removed', { name: name(2), page: 2 }],
  ['cleared', undefined],
];
const at = { timestamp: 1_700_000_000.25, dataParallelRank: 0 };

const unpack = (bytes: Uint8Array): unknown =>
  new Unpackr({ int64AsType: 'bigint', useRecords: false }).unpack(bytes);

/** The message that the events make, as a consumer decodes it. */
function decoded(form: 'maps' | 'arrays', hashes: 'bytes' | 'integers'): unknown {
  const h = (page: number): unknown =>
    hashes === 'bytes' ? new Uint8Array(digest(page)) : digest(page).readBigUInt64BE(24);
  const tokens = [1, 2, 3, 400, 70_000, 2 ** 32 - 1];
  if (form === 'arrays') {
    const spare = [null, null, null, null, null];
    const list = [
      ['BlockStored', [h(1), h(2)], null, tokens, 3, null, 'GPU', ...spare],
      ['BlockStored', [h(3)], h(4), [5, 200, 7], 3, null, 'GPU', ...spare],
      ['BlockRemoved', [h(3), h(2)], 'GPU', null],
      ['AllBlocksCleared'],
    ];
    return [1_700_000_000.25, list, 0];
  }
  const rest = { block_size: 3, lora_id: null, medium: 'GPU', lora_name: null };
  const list = [
    {
      type: 'BlockStored',
      block_hashes: [h(1), h(2)],
      parent_block_hash: null,
      token_ids: tokens,
      ...rest,
    },
    {
      type: 'BlockStored',
      block_hashes: [h(3)],
      parent_block_hash: h(4),
      token_ids: [5, 200, 7],
      ...rest,
    },
    { type: 'BlockRemoved', block_hashes: [h(3), h(2)], medium: 'GPU' },
    { type: 'AllBlocksCleared' },
  ];
  return { ts: 1_700_000_000.25, events: list, data_parallel_rank: 0 };
}

const forms = [
  ['maps', 'bytes'],
  ['maps', 'integers'],
  ['arrays', 'bytes'],
  ['arrays', 'integers'],
] as const;

it.for(forms)('encodeEventBatch writes %s of %s, byte for byte as vLLM', ([form, hashes]) => {
  const bytes = encodeEventBatch(events, { ...at, form, hashes });
  expect(Buffer.from(bytes).toString('hex')).toBe(fixtures[`${form} of ${hashes}`]);
  expect(unpack(bytes)).toEqual(decoded(form, hashes));
});

it('encodeEventBatch writes long lists, other media, and the time of the call', () => {
  const pages = Array.from({ length: 5000 }, (_, i) =>
    stored(
      i % 7,
      (i + 6) % 7,
      i,
      Array.from({ length: 16 }, (__, k) => 16 * i + k),
    ),
  );
  const medium = 'host memory, '.repeat(30);
  const before = Date.now() / 1000;
  const batch = unpack(encodeEventBatch(pages, { medium })) as { ts: number; events: unknown[] };
  expect(batch.ts).toBeGreaterThanOrEqual(before);
  expect(Object.keys(batch)).toEqual(['ts', 'events']);
  const [event] = batch.events as [{ token_ids: number[]; block_hashes: Buffer[]; medium: string }];
  expect(batch.events).toHaveLength(1);
  expect(event.token_ids).toEqual(Array.from({ length: 80_000 }, (_, i) => i));
  expect(event.block_hashes.map((hash) => hash[0])).toEqual(
    pages.map((_, i) => ((i % 7) * 37) & 255),
  );
  expect(event.medium).toBe(medium);
});

it('encodeEventBatch writes an empty batch', () => {
  expect(unpack(encodeEventBatch([], { timestamp: 2.5 }))).toEqual({ ts: 2.5, events: [] });
  expect(unpack(encodeEventBatch([], { timestamp: 2.5, form: 'arrays' }))).toEqual([2.5, [], null]);
});

it('encodeEventBatch ends a message where the chain or the size of pages ends', () => {
  const [first, second] = [stored(1, 0, 0, [1, 2]), stored(2, 1, 1, [3, 4])];
  const sizes = (list: readonly KvEventEntry[]): number[] =>
    (unpack(encodeEventBatch(list)) as { events: { block_hashes: unknown[] }[] }).events.map(
      ({ block_hashes: hashes }) => hashes.length,
    );
  expect(sizes([first, second])).toEqual([2]);
  expect(sizes([second, first])).toEqual([1, 1]);
  expect(sizes([first, stored(2, 1, 1, [3])])).toEqual([1, 1]);
  expect(sizes([first, ['removed', { name: name(1), page: 1 }], second])).toEqual([1, 1, 1]);
});

type Call = (events: unknown, options?: unknown) => unknown;
it.for([
  ['no list', [undefined], /events must be an array/],
  ['another event', [[['added', {}]]], /events\[0\] must be an event of a cache/],
  ['a bare event', [[{ name: name(1), page: 0 }]], /events\[0\] .* Pass pairs such as/],
  ['a name that is no hash', [[['removed', { name: 'a', page: 0 }]]], /events\[0\]/],
  ['a page without tokens', [[stored(1, 0, 0, [])]], /events\[0\]/],
  ['a form', [[], { form: 'map' }], /form must be 'maps' or 'arrays'; got 'map'/],
  ['a kind of hash', [[], { hashes: 'int' }], /hashes must be 'bytes' or 'integers'/],
  ['a time', [[], { timestamp: NaN }], /timestamp must be seconds since 1970; got NaN/],
  ['a medium', [[], { medium: 1 }], /medium must be a string; got 1/],
  ['a rank', [[], { dataParallelRank: -1 }], /dataParallelRank must be/],
  ['an unknown option', [[], { blockSize: 16 }], /blockSize.*number of tokens of each event/],
] as const)('encodeEventBatch refuses %s', ([, args, message]) => {
  let error: unknown;
  try {
    (encodeEventBatch as Call)(...(args as readonly [unknown]));
  } catch (thrown) {
    error = thrown;
  }
  expect(HeedError.is(error) && error.code).toBe('validation');
  expect(String(error)).toMatch(/^ValidationError: encodeEventBatch: /);
  expect(String(error)).toMatch(message);
});
