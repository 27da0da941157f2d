import {
  CapacityError,
  DisposedError,
  type Gpu,
  LimitError,
  type Tensor,
  UnsupportedError,
  ValidationError,
} from '@heed/core';
import { ownGpu, testGpu } from '@heed/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KvSequence, memoryStore, PagedKvCache, rotate } from '../../src/index.ts';
import { expectRefusal, type Refusal, sound } from '../gpu/cache/refusal.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe('a call that is refused changes nothing', () => {
  let cache: PagedKvCache;
  let other: PagedKvCache;
  let a: KvSequence;
  let b: KvSequence;
  let closed: KvSequence;
  let uneven: KvSequence;
  let foreign: KvSequence;

  const rows = (
    count: number,
    dim: number,
    options: { heads?: number; dtype?: 'i32' } = {},
  ): Tensor => {
    const { heads = 2, ...rest } = options;
    return gpu.tensor(new Float32Array(count * heads * dim), {
      shape: [count, heads, dim],
      ...rest,
    });
  };
  const append = (layer: number, seqs: unknown, count: number, options?: object): void => {
    cache.append(layer, seqs as KvSequence[], rows(count, 4), rows(count, 6), options);
  };

  beforeEach(async () => {
    cache = await PagedKvCache.create(gpu, sound);
    other = await PagedKvCache.create(gpu, sound);
    [a, b, closed, uneven] = [cache.open(), cache.open(), cache.open(), cache.open()];
    foreign = other.open();
    for (const layer of [0, 1]) append(layer, [a, b], 12, { cuSeqlens: Int32Array.of(0, 7, 12) });
    a.commit([1, 2, 3, 4, 5]);
    append(0, [uneven], 3);
    closed.close();
    return () => {
      cache.dispose();
      other.dispose();
    };
  });

  const state = async (): Promise<unknown> => {
    const sequences = [a, b, uneven];
    const views = [0, 1].map((layer) => cache.view(layer, sequences));
    const tables = views.flatMap(({ blockTable, seqUsedK }) => [
      blockTable.read(),
      seqUsedK.read(),
    ]);
    const pools = views.flatMap(({ k, v }) => [k.read(), v.read()]);
    const lengths = sequences.map(({ length, cachedTokens }) => [length, cachedTokens]);
    return [cache.stats(), lengths, await Promise.all([...tables, ...pools])];
  };

  const seqs = 'cache.append: seqs';
  const table: Record<string, () => Refusal> = {
    'open: tokens': () => [
      () => cache.open({ tokens: 'abc' as never }),
      ValidationError,
      "cache.open: tokens must be a list of numbers; got 'abc'. Pass an array or a typed array.",
    ],
    'open: a token': () => [
      () => cache.open({ tokens: [1, -1] }),
      ValidationError,
      "cache.open: tokens[1] must be a whole number from 0 to 2³² − 1; got -1. Pass the tokenizer's ids.",
    ],
    'open: a token that is no number': () => [
      () => cache.open({ tokens: ['5'] as never }),
      ValidationError,
      "cache.open: tokens[0] must be a whole number from 0 to 2³² − 1; got '5'. Pass the tokenizer's ids.",
    ],
    'open: salt': () => [
      () => cache.open({ salt: 7 as never }),
      ValidationError,
      'cache.open: salt must be a string; got 7. Leave it out.',
    ],
    'open: priority': () => [
      () => cache.open({ priority: NaN }),
      ValidationError,
      'cache.open: priority must be a number; got NaN. Leave it out for 0.',
    ],
    'append: layer': () => [
      () => append(2, [a], 1),
      ValidationError,
      'cache.append: layer must be a whole number from 0 to 1; got 2. Pass such a number.',
    ],
    'append: seqs': () => [
      () => append(0, a, 1),
      ValidationError,
      `${seqs} must be an array of sequences; got one sequence. Pass [sequence, …].`,
    ],
    'append: another cache': () => [
      () => append(0, [a, foreign], 2),
      ValidationError,
      `${seqs}[1] must be a sequence of this cache; got sequence 1 of another cache. Pass sequences that open() or fork() of this cache returned.`,
    ],
    'append: closed': () => [
      () => append(0, [closed], 1),
      ValidationError,
      `${seqs}[0] must be open; got sequence 3, closed. Leave it out.`,
    ],
    'append: twice': () => [
      () => append(0, [a, b, a], 3),
      ValidationError,
      `${seqs} must differ from one another; got sequences 1, 2, 1. Name each sequence once.`,
    ],
    'append: no tensor': () => [
      () => cache.append(0, [a], new Float32Array(8) as never, rows(1, 6)),
      ValidationError,
      'cache.append: k must be a Tensor; got Float32Array. Make one with gpu.tensor() or gpu.wrap().',
    ],
    'append: dtype': () => [
      () => cache.append(0, [a], rows(1, 4), rows(1, 6, { dtype: 'i32' })),
      ValidationError,
      "cache.append: v must be f32 or f16 or bf16; got i32. Make it with dtype: 'f32'.",
    ],
    'append: shape': () => [
      () => cache.append(0, [a], rows(1, 4), rows(2, 6)),
      ValidationError,
      "cache.append: v must have shape [T, Hkv, D] = [1, 2, 6], T being k's; got [2, 2, 6]. Pass packed rows, grouped by sequence.",
    ],
    'append: rows that do not divide': () => [
      () => append(0, [a, b], 3),
      ValidationError,
      'cache.append: without cuSeqlens the rows must divide evenly among 2 sequences; got 3 rows. Pass cuSeqlens: 0, then the end of each sequence.',
    ],
    'append: cuSeqlens of a wrong kind': () => [
      () => append(0, [a], 3, { cuSeqlens: [0, 3] }),
      ValidationError,
      'cache.append: cuSeqlens must be an Int32Array of 2 entries; got [0, 3]. Pass [0, end, …].',
    ],
    'append: cuSeqlens of a wrong length': () => [
      () => append(0, [a], 3, { cuSeqlens: Int32Array.of(0, 1, 3) }),
      ValidationError,
      'cache.append: cuSeqlens must be an Int32Array of 2 entries; got 3 entries. Pass [0, end, …].',
    ],
    'append: cuSeqlens that leaves rows over': () => [
      () => append(0, [a, b], 3, { cuSeqlens: Int32Array.of(0, 1, 2) }),
      ValidationError,
      'cache.append: cuSeqlens must start with 0 and end with 3, the rows of k; got 0 and 2. Pass all rows.',
    ],
    'append: cuSeqlens that decreases': () => [
      () => append(0, [a, b], 3, { cuSeqlens: Int32Array.of(0, 4, 3) }),
      ValidationError,
      'cache.append: cuSeqlens must not decrease; got 4 then 3. Sort out the lengths.',
    ],
    'append: too much': () => [
      () => append(0, [a, b], 30),
      CapacityError,
      'cache.append: these tokens need 7 pages of 4; 3 of 8 are free or cached. Nothing was changed. ' +
        'Close or truncate a sequence, append fewer tokens, or create a larger cache.',
    ],
    'append: the pages themselves': () => [
      () =>
        cache.append(0, [b], cache.view(0, [a]).k.slice(0, 1, 2).reshape([4, 2, 4]), rows(4, 6)),
      ValidationError,
      'cache.append: k must not lie in the cache\'s own memory; got a view of "heed/pool k0". Copy it, or fork its sequence.',
    ],
    'append: no rotary tables': () => [
      () => append(0, [a], 1, { rotary: {} }),
      ValidationError,
      'cache.append: rotary.cos must be a Tensor; got undefined. Make one with gpu.tensor() or gpu.wrap().',
    ],
    'append: rotary tables too wide': () => [
      () => append(0, [a], 1, { rotary: { cos: gpu.empty([9, 3]), sin: gpu.empty([9, 3]) } }),
      ValidationError,
      'cache.append: rotary.cos must be [maxPosition, rotaryDim / 2] with a rotaryDim of at most 4, the head dim; got [9,3]. ' +
        'Pass one row per position and one column per pair of elements.',
    ],
    'view: layer': () => [
      () => cache.view(-1, [a]),
      ValidationError,
      'cache.view: layer must be a whole number from 0 to 1; got -1. Pass such a number.',
    ],
    'view: closed': () => [
      () => cache.view(0, [a, closed]),
      ValidationError,
      'cache.view: seqs[1] must be open; got sequence 3, closed. Leave it out.',
    ],
    'commit: too many': () => [
      () => a.commit([6, 7, 8]),
      ValidationError,
      'sequence.commit: at most 2 tokens can be committed: the rest of the appended ones; got 3. Append their keys and values first.',
    ],
    'commit: uneven': () => [
      () => uneven.commit([]),
      ValidationError,
      'sequence.commit: all layers must have the same tokens; got counts 3, 0. Append to the remaining layers first.',
    ],
    'commit: a token': () => [
      () => a.commit([0.5]),
      ValidationError,
      "sequence.commit: tokens[0] must be a whole number from 0 to 2³² − 1; got 0.5. Pass the tokenizer's ids.",
    ],
    'commit: closed': () => [
      () => closed.commit([1]),
      ValidationError,
      'sequence.commit: the sequence must be open; got sequence 3, closed. Open or fork another.',
    ],
    'fork: uneven': () => [
      () => uneven.fork(),
      ValidationError,
      'sequence.fork: all layers must have the same tokens; got counts 3, 0. Append to the remaining layers first.',
    ],
    'fork: closed': () => [
      () => closed.fork(),
      ValidationError,
      'sequence.fork: the sequence must be open; got sequence 3, closed. Open or fork another.',
    ],
    'truncate: longer': () => [
      () => a.truncate(8),
      ValidationError,
      'sequence.truncate: length must be a whole number from 0 to 7; got 8. Pass such a number.',
    ],
    'truncate: uneven': () => [
      () => uneven.truncate(0),
      ValidationError,
      'sequence.truncate: all layers must have the same tokens; got counts 3, 0. Append to the remaining layers first.',
    ],
    'truncate: closed': () => [
      () => closed.truncate(0),
      ValidationError,
      'sequence.truncate: the sequence must be open; got sequence 3, closed. Open or fork another.',
    ],
    clear: () => [
      () => cache.clear(),
      ValidationError,
      'cache.clear: no sequence may be open; got 3 open. Close them first.',
    ],
    'on: event': () => [
      () => cache.on('evicted' as never, () => {}),
      ValidationError,
      "cache.on: an event is 'stored', 'removed' or 'cleared' and its listener a function; got 'evicted' and a function. cache.on('stored', ({ name }) => …)",
    ],
    'save: store': () => [
      () => cache.save({ ...memoryStore(), put: undefined } as never),
      ValidationError,
      'cache.save: store must be a KvStore; got Object without put(). Pass memoryStore(), fsStore(folder), opfsStore(name) or httpStore(base).',
    ],
    'save: namespace': () => [
      () => cache.save(memoryStore(), { namespace: 'N'.repeat(17) }),
      ValidationError,
      'cache.save: a namespace must not be longer than 80 characters, each but a–z 0–9 - counting as 5, got 85: "NNNNNNNNNNNNNNNNN"…; ' +
        'choose a shorter one, such as a hash of it',
    ],
    'save: no namespace': () => [
      () => cache.save({ ...memoryStore() }),
      ValidationError,
      'cache.save: namespace is required: it names the weights and the tokenizer, and pages of other weights must not be found; got none. ' +
        "Name them, or pass '' where the store serves one model.",
    ],
    'canAppend: counts': () => [
      () => cache.canAppend([], [1]),
      ValidationError,
      'cache.canAppend: counts must have an entry for each of the 0 sequences; got [1]. Pass the number of new tokens of each.',
    ],
    'canAppend: a fraction': () => [
      () => cache.canAppend([a], [0.5]),
      ValidationError,
      'cache.canAppend: counts[0] must be a whole number from 0 on; got 0.5. Pass such a number.',
    ],
    'canEverFit: tokens': () => [
      () => cache.canEverFit(-1),
      ValidationError,
      'cache.canEverFit: tokens must be a whole number from 0 on; got -1. Pass such a number.',
    ],
    'load: store': () => [
      () => cache.load(undefined as never),
      ValidationError,
      'cache.load: store must be a KvStore; got undefined without get(). Pass memoryStore(), fsStore(folder), opfsStore(name) or httpStore(base).',
    ],
    'load: namespace': () => [
      () => cache.load(memoryStore(), { namespace: 3 as never }),
      ValidationError,
      'cache.load: namespace must be a string; got 3. Name the weights, or leave it out.',
    ],
    'load: signal': () => [
      () => cache.load(memoryStore(), { signal: true as never }),
      ValidationError,
      'cache.load: signal must be an AbortSignal; got true. Pass the signal of an AbortController.',
    ],
    'load: onProgress': () => [
      () => cache.load(memoryStore(), { onProgress: 'log' as never }),
      ValidationError,
      "cache.load: onProgress must be a function; got 'log'. Leave it out.",
    ],
    'rotate: q': () => [
      () => rotate(gpu, gpu.empty([4, 4]), {} as never),
      ValidationError,
      'rotate: q must have rank 3; got shape [4,4]. Use reshape() or slice().',
    ],
    'rotate: positions': () => {
      const tables = { cos: gpu.empty([9, 2]), sin: gpu.empty([9, 2]) };
      return [
        () => rotate(gpu, rows(2, 4), { ...tables, positions: Int32Array.of(1, 9) }),
        ValidationError,
        'rotate: rotary.positions must be from 0 to 8, the last row of rotary.cos; got 9 for token 1. Make the tables longer.',
      ];
    },
    'rotate: out': () => {
      const tables = {
        cos: gpu.empty([9, 1]),
        sin: gpu.empty([9, 1]),
        positions: Int32Array.of(1),
      };
      const half = (dim: number): Tensor =>
        gpu.tensor(new Float32Array(dim), { shape: [1, 1, dim], dtype: 'f16' });
      return [
        () => rotate(gpu, half(3), tables, half(4).slice(2, 1, 4)),
        UnsupportedError,
        'rotate: out of f16 needs rows that start on whole words (even strides, last stride 1); got strides [4,4,1], offset 2 bytes. ' +
          'Leave it out, or use f32.',
      ];
    },
  };

  it.each(Object.keys(table))('%s', async (name) => {
    const refusal = table[name]!();
    const before = await state();
    await expectRefusal(refusal);
    expect(await state()).toEqual(before);
  });

  it('commit with other tokens than a fork that shares the page', async () => {
    using child = b.fork();
    append(0, [b], 3);
    append(1, [b], 3);
    const twin = b.fork();
    b.commit([1, 2, 3, 4]);
    const before = await state();
    const message =
      'sequence.commit: page 0 of this sequence is shared and was committed with other tokens; got [1, 2, 3, 5]. ' +
      'Commit the tokens whose keys and values were appended before the fork.';
    await expectRefusal([() => twin.commit([1, 2, 3, 5]), ValidationError, message]);
    await expectRefusal([() => child.commit([1, 2, 3, 5]), ValidationError, message]);
    expect(await state()).toEqual(before);
    twin.commit([1, 2, 3, 4]);
  });

  it('append of more rows than a binding holds', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    if (maxBufferSize <= maxStorageBufferBindingSize + 64 || maxBufferSize > 2 ** 28) return;
    const wide = gpu.device.createBuffer({ size: maxStorageBufferBindingSize + 64, usage: 0x80 });
    const strides = [wide.size / 4 - 8, 4, 1];
    const k = gpu.wrap(wide, { shape: [2, 2, 4], strides, dtype: 'f32' });
    const before = await state();
    const message =
      `cache.append: k must fit one binding, ${maxStorageBufferBindingSize} bytes on this device; ` +
      `got ${maxStorageBufferBindingSize + 64} bytes, [2,2,4]. Pass fewer rows at a time.`;
    await expectRefusal([() => cache.append(0, [b], k, rows(2, 6)), LimitError, message]);
    expect(await state()).toEqual(before);
    wide.destroy();
  });

  it('of a tensor that was disposed', async () => {
    const k = rows(1, 4);
    k.dispose();
    const before = await state();
    expect(() => cache.append(0, [a], k, rows(1, 6))).toThrow(DisposedError);
    expect(await state()).toEqual(before);
  });

  it('of tensors of another Gpu', async () => {
    const own = await ownGpu();
    const k = own.empty([1, 2, 4]);
    const before = await state();
    expect(() => cache.append(0, [a], k, rows(1, 6))).toThrow(
      /^cache\.append: k \("heed tensor"\) belongs to another device\. Use one Gpu/,
    );
    expect(await state()).toEqual(before);
    own.dispose();
    own.device.destroy();
  });
});
