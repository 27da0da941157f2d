import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import * as kvcache from '@heed/kvcache';
import { type KvSequence, memoryStore, PagedKvCache } from '@heed/kvcache';
import { methodOf, strangers, testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';

let gpu: Gpu;
let x: Tensor;
let cache: PagedKvCache;
let sequence: KvSequence;
const shape = { layers: 1, kvHeads: 1, headDim: 4, pages: 2 };
beforeAll(async () => {
  gpu = await testGpu();
  x = gpu.tensor([1, 2, 3, 4], { shape: [1, 1, 4] });
  cache = await PagedKvCache.create(gpu, shape);
  sequence = cache.open();
});

const store = kvcache.memoryStore();
const rotary = (): kvcache.Rotary => {
  const table = gpu.tensor([1, 1], { shape: [1, 2] });
  return { cos: table, sin: table, positions: Int32Array.of(0) };
};

/** Every public function and method, called with options; 'none' for those that have none. */
const publicFunctions: Readonly<Record<string, ((unknown: object) => unknown) | 'none'>> = {
  'PagedKvCache.create': (o) => PagedKvCache.create(gpu, { ...shape, ...o }),
  'PagedKvCache.open': (o) => cache.open(o),
  'PagedKvCache.append': (o) => cache.append(0, [sequence], x, x, o),
  'PagedKvCache.save': (o) => cache.save(store, o),
  'PagedKvCache.load': (o) => cache.load(store, o),
  'PagedKvCache.warmup': (o) => cache.warmup(o),
  'PagedKvCache.canEverFit': 'none',
  'PagedKvCache.canAppend': 'none',
  'PagedKvCache.view': 'none',
  'PagedKvCache.stats': (o) => cache.stats(o),
  'PagedKvCache.on': 'none',
  'PagedKvCache.prefixes': 'none',
  'PagedKvCache.clear': 'none',
  'PagedKvCache.dispose': 'none',
  'KvSequence.commit': 'none',
  'KvSequence.fork': 'none',
  'KvSequence.truncate': 'none',
  'KvSequence.keep': (o) => sequence.keep([], o),
  'KvSequence.close': 'none',
  rotate: (o) => kvcache.rotate(gpu, x, { ...rotary(), ...o }),
  prefixNames: (o) => kvcache.prefixNames([1], { pageSize: 1, ...o }),
  fairShare: 'none',
  memoryStore: 'none',
  tee: 'none',
};

const methodsOf = (name: string, prototype: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([method, { value }]) => typeof value === 'function' && method !== 'constructor')
    .map(([method]) => `${name}.${method}`);

it('every function is listed here, with its options or none', () => {
  const functions = Object.entries(kvcache)
    .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(String(value)))
    .map(([name]) => name);
  const found = [
    ...functions,
    ...methodsOf('PagedKvCache', PagedKvCache),
    ...methodsOf('PagedKvCache', PagedKvCache.prototype),
    ...methodsOf('KvSequence', Object.getPrototypeOf(sequence) as object),
  ];
  expect(found.toSorted()).toEqual(Object.keys(publicFunctions).toSorted());
});

const calls = Object.entries(publicFunctions).flatMap(([fn, call]) =>
  call === 'none' ? [] : [[fn, call] as const],
);
const refused = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
};

it.for(calls)('%s refuses an option that it does not have', async ([, call]) => {
  const error = await refused(() => call({ noSuchOption: 7 }));
  expect(error).toBeInstanceOf(ValidationError);
  expect(String(error)).toMatch(/there is no noSuchOption in \w+; got 7\. .*There are /);
});

it.for([
  ['PagedKvCache.append', { cuSeqlensQ: Int32Array.of(0, 1) }, 'Did you mean cuSeqlens?'],
  ['PagedKvCache.append', { rotary: { theta: 1e4 } }, 'there is no theta in rotary'],
  ['PagedKvCache.append', { positions: Int32Array.of(0) }, 'rotary: { cos, sin, positions }'],
  ['PagedKvCache.open', { prompt: [1] }, 'Did you mean tokens?'],
  ['PagedKvCache.create', { block_size: 16 }, 'Did you mean pageSize?'],
  ['PagedKvCache.create', { namespace: 'a' }, 'an option of cache.save() and cache.load()'],
] as const)('%s says what was meant by %o', async ([fn, unknown, says]) => {
  const call = publicFunctions[fn] as (unknown: object) => unknown;
  expect(String(await refused(() => call(unknown)))).toContain(says);
  expect(sequence.length).toBe(0);
});

it('an argument of the wrong kind is an error of heed’s, or is right', async () => {
  const p = gpu.tensor(new Float32Array(32), { shape: [4, 1, 8] });
  const geometry = { layers: 1, kvHeads: 1, headDim: 8, pages: 8, pageSize: 4 };
  using other = await PagedKvCache.create(gpu, geometry);
  const opened = other.open();
  const found = [
    await strangers(
      'create',
      methodOf(PagedKvCache, 'create'),
      [gpu, geometry],
      ['layers', 'headDim', 'pages', 'maxBytes', 'dtype', 'window', 'eviction', 'poison'],
    ),
    await strangers('open', methodOf(other, 'open'), [{}], ['tokens', 'salt', 'priority']),
    await strangers(
      'append',
      methodOf(other, 'append'),
      [0, [opened], p, p, {}],
      ['cuSeqlens', 'rotary'],
    ),
    await strangers('view', methodOf(other, 'view'), [0, [opened]]),
    await strangers('on', methodOf(other, 'on'), ['stored', () => {}]),
    await strangers('commit', methodOf(opened, 'commit'), [[]]),
    await strangers('truncate', methodOf(opened, 'truncate'), [0]),
    await strangers('keep', methodOf(opened, 'keep'), [[], {}], ['from']),
    await strangers(
      'save',
      methodOf(other, 'save'),
      [memoryStore(), {}],
      ['signal', 'namespace', 'key', 'sequences', 'names'],
    ),
    await strangers(
      'load',
      methodOf(other, 'load'),
      [memoryStore(), {}],
      ['signal', 'namespace', 'key', 'tokens', 'salt', 'maxBytes'],
    ),
    await strangers(
      'prefixNames',
      kvcache.prefixNames as never,
      [[1], { pageSize: 1 }],
      ['pageSize', 'salt', 'hash'],
    ),
    await strangers('tee', kvcache.tee as never, [memoryStore(), memoryStore()]),
  ];
  expect(found.flat()).toEqual([]);
});
