import { DisposedError, type Gpu, type PagedKvView, type Tensor } from '@heed/core';
import type { AttentionResult } from '@heed/kernels-wgsl';
import { bits, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createBlockMask,
  flexAttention,
  type MaskMod,
  planFlexAttention,
  type ScoreMod,
} from '../../src/index.ts';
import { type Mask, range, type Reference, type Rows, type Score } from './attend.ts';
import { expectAttention, RowData } from './flex-data.ts';

let gpu: Gpu;
let data: RowData;
let ids: Tensor;
beforeAll(async () => {
  gpu = await testGpu();
  data = new RowData(gpu, 96, 160);
  ids = gpu.tensor(idList, { shape: [160], dtype: 'i32' });
});

const idList = range(0, 160).map((i) => Math.floor(i / 37));

// One pair of mods for all tests: compiling is what takes time.
const scoreMod: ScoreMod<{ ids: Tensor }> = (s, b, h, q, kv, c, info) => {
  const rows = 3 * info.qRow - 2 * info.kvRow + info.qLen - info.kvLen;
  return s + rows / 128 + b - h / 4 - c.ids[kv]! / 8;
};
const maskMod: MaskMod<{ near: number }> = (b, h, q, kv, { near }) => q >= kv && q - kv <= near;

const score: Score = (s, b, h, q, kv, { qRow, kvRow, qLen, kvLen }) =>
  s + (3 * qRow - 2 * kvRow + qLen - kvLen) / 128 + b - h / 4 - idList[kv]! / 8;
const mask: Mask = (b, h, q, kv) => q >= kv && q - kv <= 20;

const mods = () => ({ scoreMod, maskMod, captures: { ids, near: 20 }, returnLse: true });
const reference = (sequences: readonly Rows[]): Reference => ({
  ...data.arrays,
  sequences,
  score,
  mask,
});

const halves: readonly Rows[] = [0, 1].map((b) => ({
  q: range(48 * b, 48 * b + 48),
  k: range(80 * b, 80 * b + 80),
  qBase: 48 * b,
  kBase: 80 * b,
}));

/** Sequences of 40, 0, 1 and 45 queries over 60, 10, 33 and 50 keys, then rows that nobody owns. */
const lengths = {
  cuSeqlensQ: Int32Array.of(0, 40, 40, 41, 86),
  cuSeqlensK: Int32Array.of(0, 60, 70, 103, 153),
};
const sequenceRows: readonly Rows[] = [
  { q: range(0, 40), k: range(0, 60) },
  { q: [], k: range(60, 70) },
  { q: [40], k: range(70, 103) },
  { q: range(41, 86), k: range(103, 153) },
];

/** Pages of 16 in no order, the last of each sequence partly used. */
const pageTable = [
  [7, 2, 9, 0],
  [-1, -1, -1, -1],
  [4, 1, 8, -1],
  [5, 3, 6, -1],
];
const used = [60, 0, 33, 41];
const paged = {
  cuSeqlensQ: lengths.cuSeqlensQ,
  seqUsedK: Int32Array.from(used),
  blockTable: Int32Array.from(pageTable.flat()),
};
const pagedRows = sequenceRows.map(({ q }, b) => ({
  q,
  k: range(0, used[b]!).map((kv) => 16 * pageTable[b]![Math.floor(kv / 16)]! + (kv % 16)),
}));

describe('info tells lengths, and rows of the tensors', () => {
  it('dense, whichever batch entry', { tags: ['full'] }, async () => {
    const { q, k, v } = data.dense(2);
    await expectAttention(flexAttention(q, k, v, { ...mods(), numSplits: 1 }), reference(halves));
  });

  it('packed, ragged, with rows that nobody owns', async () => {
    const { q, k, v } = data.packed();
    const options = { ...mods(), ...lengths, numSplits: 1 };
    await expectAttention(flexAttention(q, k, v, options), reference(sequenceRows));
  });

  it('paged: physical rows, from a table or a view', async () => {
    const { q, k, v } = data.pages(16);
    const options = { ...mods(), ...paged, numSplits: 1 };
    const result = flexAttention(q, k, v, options);
    await expectAttention(result, reference(pagedRows));
    const view: PagedKvView = {
      k,
      v,
      pageSize: 16,
      maxSeqlenK: 60,
      format: 'f32',
      headDim: 8,
      headDimV: 8,
      blockTable: gpu.tensor(paged.blockTable, { shape: [4, 4] }),
      seqUsedK: gpu.tensor(paged.seqUsedK, { shape: [4] }),
    };
    const { cuSeqlensQ } = paged;
    const viewed = flexAttention(q, view, { ...mods(), cuSeqlensQ, numSplits: 1 });
    expect(await bits(viewed.out, viewed.lse)).toEqual(await bits(result.out, result.lse));
  });
});

describe('a block mask in place of the mask', () => {
  const captures = { near: 20 };
  const rest = () => ({ scoreMod, captures: { ids }, returnLse: true, numSplits: 1 });

  it.for([32, 96, [64, 128]] as const)(
    'of blocks of %j, dense',
    { tags: ['full'] },
    async (blockSize) => {
      const { q, k, v } = data.dense(2);
      const sizes = { Lq: 48, Lk: 80, blockSize };
      using blockMask = createBlockMask(gpu, maskMod, { ...sizes, captures });
      const options = { ...rest(), blockMask };
      await expectAttention(flexAttention(q, k, v, options), reference(halves));
    },
  );

  it.for([32, 96])('of blocks of %j, packed', { tags: ['full'] }, async (blockSize) => {
    const { q, k, v } = data.packed();
    using blockMask = createBlockMask(gpu, maskMod, {
      ...lengths,
      blockSize,
      captures,
    });
    const options = { ...rest(), blockMask, ...lengths };
    await expectAttention(flexAttention(q, k, v, options), reference(sequenceRows));
  });

  it('paged, with lengths that are on the GPU', async () => {
    const { q, k, v } = data.pages(16);
    const onGpu = {
      cuSeqlensQ: gpu.tensor(paged.cuSeqlensQ, { shape: [5] }),
      seqUsedK: gpu.tensor(paged.seqUsedK, { shape: [4] }),
      blockTable: gpu.tensor(paged.blockTable, { shape: [4, 4] }),
    };
    const made = { ...onGpu, Lq: 96, Lk: 64, blockSize: 32 };
    using blockMask = createBlockMask(gpu, maskMod, { ...made, captures });
    const options = { ...rest(), blockMask, ...onGpu };
    await expectAttention(flexAttention(q, k, v, options), reference(pagedRows));
  });

  it('beside another mask: both must hold', { tags: ['full'] }, async () => {
    const { q, k, v } = data.dense(2);
    const sizes = { Lq: 48, Lk: 80, blockSize: 32 };
    using blockMask = createBlockMask(gpu, maskMod, { ...sizes, captures });
    const odd: MaskMod = (b, h, at, kv) => ((at + kv) & 1) === 1 && kv > 20;
    const result = flexAttention(q, k, v, { blockMask, maskMod: odd, numSplits: 1 });
    const both: Mask = (...pair) => mask(...pair) && odd(...(pair as never as Parameters<MaskMod>));
    const { score: _, ...plain } = reference(halves);
    await expectAttention(result, { ...plain, mask: both });
  });
});

describe('what attention() takes, beside mods', () => {
  const sinkValues = [0.5, -1, 3, -20];

  it('sinks, lse and out', async () => {
    const { q, k, v } = data.dense(2);
    const sinks = gpu.tensor(sinkValues, { shape: [4] });
    const out = gpu.empty([2, 4, 48, 8]);
    const result = flexAttention(q, k, v, { ...mods(), sinks, out, numSplits: 1 });
    expect(result.out).toBe(out);
    await expectAttention(result, { ...reference(halves), sinks: sinkValues });
    const plain = flexAttention(q, k, v, { ...mods(), returnLse: false, numSplits: 1 });
    expect(plain).not.toHaveProperty('lse');
  });

  it('splits', async () => {
    const { q, k, v } = data.dense(2);
    const want = reference(halves);
    for (const numSplits of [2, 5]) {
      await expectAttention(flexAttention(q, k, v, { ...mods(), numSplits }), want);
    }
  });
});

describe('a plan', () => {
  const problem = { layout: 'dense', q: [2, 4, 48, 8], k: [2, 2, 80, 8], numSplits: 1 } as const;

  it('run, or encoded into a pass of the caller, gives the bits of the call', async () => {
    const tensors = data.dense(2);
    const want = flexAttention(tensors.q, tensors.k, tensors.v, { ...mods(), numSplits: 1 });
    using plan = planFlexAttention(gpu, { ...problem, ...mods() });
    const results: AttentionResult[] = [plan.run({ ...tensors, returnLse: true })];
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    results.push(plan.encode(pass, { ...tensors, returnLse: true }));
    const near = { ids, near: 3 };
    const other = plan.encode(pass, { ...tensors, captures: near });
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    for (const { out, lse } of results) {
      expect(await bits(out, lse)).toEqual(await bits(want.out, want.lse));
    }
    const nearer = flexAttention(tensors.q, tensors.k, tensors.v, {
      ...mods(),
      captures: near,
      numSplits: 1,
    });
    expect(await bits(other.out)).toEqual(await bits(nearer.out));
    expect(await bits(other.out)).not.toEqual(await bits(want.out));
  });
});

describe('plan.record', () => {
  it('reads captured tables anew by each replay, for bounds too', async () => {
    const { q, k, v } = data.dense(2);
    // A score and a mask read it; the bounds of the mask are computed from its contents.
    const table = gpu.tensor(idList, { shape: [160], dtype: 'i32' });
    const lower: ScoreMod<{ table: Tensor }> = (s, b, h, at, kv, c) => s - c.table[kv]! / 8;
    const same: MaskMod<{ table: Tensor }> = (b, h, at, kv, c) => c.table[at] === c.table[kv];
    const tabled = { scoreMod: lower, maskMod: same, captures: { table }, numSplits: 1 };
    const shapes = { layout: 'dense', q: q.shape, k: k.shape } as const;
    using plan = planFlexAttention(gpu, { ...shapes, ...tabled });
    using recording = plan.record({ q, k, v });
    const seen = [];
    for (const width of [37, 5]) {
      const list = Int32Array.from({ length: 160 }, (_, i) => Math.floor(i / width));
      gpu.device.queue.writeBuffer(table.buffer, table.byteOffset, list);
      recording.replay();
      const [out] = await bits(recording.out);
      expect(out).toEqual((await bits(flexAttention(q, k, v, tabled).out))[0]);
      seen.push(out);
    }
    expect(seen[0]).not.toEqual(seen[1]);
    table.dispose();
    expect(() => recording.replay()).toThrow(DisposedError);
  });
});

describe('in one batch', () => {
  it('each call has its own captures, tables of different sizes, and block mask', async () => {
    const { q, k, v } = data.dense(2);
    const small = gpu.tensor([0, 8, -3], { shape: [3], dtype: 'i32' });
    const sizes = { Lq: 48, Lk: 80, blockSize: 32 };
    const calls = [20, 0, 60].flatMap((near) =>
      [ids, small].flatMap((table) => {
        const captures = { ids: table, near };
        const rest = { scoreMod, captures, numSplits: 1 };
        return [
          () => flexAttention(q, k, v, { ...rest, maskMod }).out,
          () => {
            using blockMask = createBlockMask(gpu, maskMod, { ...sizes, captures });
            return flexAttention(q, k, v, { ...rest, blockMask }).out;
          },
        ];
      }),
    );
    const alone = await bits(...calls.map((call) => call()));
    const together = await bits(...gpu.batch(() => calls.map((call) => call())));
    expect(together).toEqual(alone);
    for (let i = 0; i < calls.length; i += 2) expect(alone[i + 1]).toEqual(alone[i]);
    expect(alone[2]).not.toEqual(alone[0]);
  });
});

describe('captured tensors', () => {
  it('may be disposed after the call, not before it', async () => {
    const { q, k, v } = data.dense(2);
    const options = { ...mods(), numSplits: 1 };
    const want = await bits(flexAttention(q, k, v, options).out);
    const copy = gpu.tensor(idList, { shape: [160], dtype: 'i32' });
    const captures = { ids: copy, near: 20 };
    const { out } = flexAttention(q, k, v, { ...options, captures });
    copy.dispose();
    expect(await bits(out)).toEqual(want);
    const run = (): unknown => flexAttention(q, k, v, { ...options, captures });
    expect(run).toThrow(DisposedError);
    expect(run).toThrow(/^flexAttention: captures\.ids/);
  });

  it('of a block mask must live as long as it is used', () => {
    const { q, k, v } = data.dense(2);
    const copy = gpu.tensor(idList, { shape: [160], dtype: 'i32' });
    const same: MaskMod<{ id: Tensor }> = (b, h, at, kv, { id }) => id[at] === id[kv];
    using blockMask = createBlockMask(gpu, same, { Lq: 48, Lk: 80, captures: { id: copy } });
    copy.dispose();
    expect(() => flexAttention(q, k, v, { blockMask })).toThrow(/captures\.id/);
  });
});
