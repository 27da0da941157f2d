import type { Gpu, Tensor } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BlockListOptions, CallerLists } from '../../src/host/block-mask-options.ts';
import {
  BlockMask,
  createBlockMask,
  flexAttention,
  flexAttentionVjp,
  type MaskMod,
} from '../../src/index.ts';
import { causal } from '../../src/masks/index.ts';
import { type Mask, range } from './attend.ts';
import { judgeBlocks, problemOf, type Visible } from './enumerate.ts';
import { expectAttention, RowData } from './flex-data.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** The class of each block of [B, H, rows, columns]: 0 in no list, 1 partial, 2 full. */
interface Blocks {
  readonly shape: readonly [B: number, H: number, rows: number, columns: number];
  readonly classes: readonly number[];
}

function randomBlocks(shape: Blocks['shape'], seed: number): Blocks {
  const rng = new Rng(seed);
  const count = shape.reduce((a, b) => a * b);
  return { shape, classes: Array.from({ length: count }, () => rng.int(0, 2)) };
}

const classIn = ({ shape, classes }: Blocks, b: number, h: number, row: number, column: number) => {
  const [B, H, rows, columns] = shape;
  if (row >= rows || column >= columns) return 0;
  return classes[(((B === 1 ? 0 : b) * H + (H === 1 ? 0 : h)) * rows + row) * columns + column]!;
};

/** What may stand in a list beside the blocks that it names. */
const noise = [-1, 1 << 20, -(2 ** 31)];

/**
 * The lists of the blocks: in falling order, one named twice, with columns that there are not, and with other columns after the
 * count. Full blocks are named as partial ones too.
 */
function listsOf({ shape, classes }: Blocks): CallerLists {
  const [B, H, rows, columns] = shape;
  const entries = columns + noise.length + 3;
  const listed = (isNamed: (class_: number) => boolean): [Tensor, Tensor] => {
    const lists = Array.from({ length: B * H * rows }, (_, i) => {
      const own = classes.slice(i * columns, (i + 1) * columns);
      const named = range(0, columns).filter((column) => isNamed(own[column]!));
      return [...noise, ...named.toReversed(), ...named.slice(0, 1)];
    });
    const counts = lists.map((list) => list.length);
    const indices = lists.flatMap((list) => [
      ...list,
      ...Array.from({ length: entries - list.length }, (_, i) => i % columns),
    ]);
    // One row of entries is a column of memory.
    const byEntry = range(0, entries).flatMap((e) =>
      counts.map((_, list) => indices[list * entries + e]!),
    );
    return [
      gpu.tensor(counts, { shape: [B, H, rows], dtype: 'i32' }),
      gpu.tensor(byEntry, { shape: [entries, B, H, rows], dtype: 'i32' }).permute([1, 2, 3, 0]),
    ];
  };
  const [kvNumBlocks, kvIndices] = listed((class_) => class_ > 0);
  const [fullKvNumBlocks, fullKvIndices] = listed((class_) => class_ === 2);
  return { kvNumBlocks, kvIndices, fullKvNumBlocks, fullKvIndices };
}

type Size = readonly [q: number, k: number];

/** The pairs that the lists show. */
const visibleIn =
  (blocks: Blocks, [blockM, blockN]: Size, align: 'start' | 'end', inner: Visible): Visible =>
  (b, h, q, kv, info) => {
    const row = Math.floor((q - (align === 'end' ? info.kvLen - info.qLen : 0)) / blockM);
    const kind = classIn(blocks, b, h, row, Math.floor(kv / blockN));
    return kind === 2 || (kind === 1 && inner(b, h, q, kv, info));
  };

const all: Visible = () => true;
const isCausal: Visible = (b, h, q, kv) => q >= kv;

const ragged = {
  cuSeqlensQ: Int32Array.of(0, 40, 40, 41, 110, 110),
  cuSeqlensK: Int32Array.of(0, 90, 100, 101, 101, 170),
} as const;

const problems: Readonly<
  Record<string, { readonly shape: Blocks['shape']; readonly o: BlockListOptions }>
> = {
  'dense, by batch and head': {
    shape: [2, 4, 3, 5],
    o: { Lq: 70, Lk: 131, blockSize: 32, maskMod: causal },
  },
  'dense, start, oblong blocks': {
    shape: [1, 4, 3, 4],
    o: { Lq: 131, Lk: 97, align: 'start', blockSize: [64, 32], maskMod: causal },
  },
  'dense, fewer rows of blocks': { shape: [1, 1, 2, 5], o: { Lq: 131, Lk: 131, blockSize: 32 } },
  'dense, used keys': {
    shape: [3, 1, 3, 5],
    o: { Lq: 65, Lk: 131, blockSize: 32, seqUsedK: Int32Array.of(97, 0, 131) },
  },
  packed: { shape: [5, 4, 3, 3], o: { ...ragged, blockSize: 32, maskMod: causal } },
  'packed, the same blocks for all': { shape: [1, 1, 3, 3], o: { ...ragged, blockSize: 32 } },
};

// The conformance cases of flex-listed-blocks have what attention makes of such lists.
describe.for(Object.entries(problems))('%s', ([, { shape, o }]) => {
  const blocks = randomBlocks(shape, 7);
  const problem = problemOf({ ...o, H: 4, B: o.cuSeqlensQ ? 5 : o.seqUsedK ? 3 : 2 });
  const { align, sequences } = problem;
  const block = problem.block;
  const visible = visibleIn(blocks, block, align, o.maskMod ? isCausal : all);

  it('knows the class of every block', async () => {
    using mask = BlockMask.fromBlocks(gpu, listsOf(blocks), { ...o, H: 4 });
    const classes = await mask.toDense();
    const [B] = mask.shape;
    const own = { ...problem, sequences: o.cuSeqlensQ ? sequences : sequences.slice(0, B) };
    const heads = mask.shape[1]!;
    const judged = judgeBlocks(classes, { ...own, heads }, visible);
    expect(judged.wrong).toEqual([]);
    expect(judged.decided).toBe(judged.decidable);
    expect(judged.decidable).toBeGreaterThan(0);
  });
});

it('lists hold where lengths on the GPU have changed since', { tags: ['full'] }, async () => {
  const blocks = randomBlocks([2, 1, 2, 4], 3);
  const used = gpu.tensor([50, 120], { shape: [2], dtype: 'i32' });
  const o = { B: 2, Lq: 64, Lk: 120, align: 'start', blockSize: 32, seqUsedK: used } as const;
  using mask = BlockMask.fromBlocks(gpu, listsOf(blocks), o);
  const now = [119, 33];
  gpu.device.queue.writeBuffer(used.buffer, used.byteOffset, Int32Array.from(now));
  const data = new RowData(gpu, 128, 240);
  const sequences = now.map((length, b) => ({
    q: range(b * 64, b * 64 + 64),
    k: range(b * 120, b * 120 + length),
  }));
  const { q, k, v } = data.dense(2);
  const result = flexAttention(q, k, v, { align: 'start', seqUsedK: used, blockMask: mask });
  const visible = visibleIn(blocks, [32, 32], 'start', all) as Mask;
  await expectAttention(result, { ...data.arrays, sequences, align: 'start', mask: visible });
});

it(
  'a maskMod beside the mask applies in full blocks too, and backward follows the lists',
  { tags: ['full'] },
  async () => {
    const shape = [1, 1, 2, 2] as const;
    const lists = listsOf({ shape, classes: [2, 0, 2, 2] });
    using mask = BlockMask.fromBlocks(gpu, lists, { Lq: 64, Lk: 64, blockSize: 32 });
    using causalMask = createBlockMask(gpu, causal, { Lq: 64, Lk: 64, blockSize: 32 });
    const { q, k, v } = new RowData(gpu, 64, 64).dense(1);
    const gradients = (blockMask: BlockMask): { dq: Tensor; dk: Tensor; dv: Tensor } =>
      flexAttentionVjp(q, k, v, { blockMask, maskMod: causal }).backward(q.permute([0, 1, 2, 3]));
    const [got, want] = [gradients(mask), gradients(causalMask)];
    for (const name of ['dq', 'dk', 'dv'] as const) {
      expect(await got[name].read()).toEqual(await want[name].read());
    }
  },
);

const byTable: MaskMod<{ table: Tensor }> = (b, h, q, kv, { table }) =>
  table[h]![Math.floor(q / 64)]![Math.floor(kv / 128)] !== 0;

it('a mask that reads a table of blocks prunes as much as the lists of the table', async () => {
  const blocks = randomBlocks([1, 3, 8, 4], 11);
  const shown = blocks.classes.map((class_) => Math.min(1, class_));
  const table = gpu.tensor(shown, { shape: [3, 8, 4], dtype: 'i32' });
  const o = { H: 3, Lq: 512, Lk: 512, blockSize: 32 } as const;
  using mask = createBlockMask(gpu, byTable, { ...o, captures: { table } });
  const size = [64, 128] as const;
  using listed = BlockMask.fromBlocks(
    gpu,
    listsOf({ ...blocks, classes: shown.map((n) => 2 * n) }),
    {
      ...o,
      blockSize: size,
    },
  );
  const { classes } = await mask.toDense();
  expect(new Set(classes)).toEqual(new Set([0, 2]));
  expect(await mask.sparsity()).toBe(await listed.sparsity());
});

describe('refuses', () => {
  const o = { Lq: 64, Lk: 64, blockSize: 32 } as const;
  const lists = (): CallerLists => listsOf(randomBlocks([2, 4, 2, 2], 1));
  const make =
    (change: Partial<Record<keyof CallerLists, unknown>>, options: object = {}) =>
    () =>
      BlockMask.fromBlocks(gpu, { ...lists(), ...change } as CallerLists, { ...o, ...options });

  it.for<[what: string, message: string | RegExp, run: () => () => unknown]>([
    [
      'lists of another type',
      'kvNumBlocks must be i32',
      () => make({ kvNumBlocks: gpu.tensor([1], { shape: [1, 1, 1] }) }),
    ],
    [
      'indices of another shape',
      'kvIndices must have the shape of kvNumBlocks, [2,4,2]',
      () => make({ kvIndices: gpu.empty([2, 4, 3, 2], { dtype: 'i32' }) }),
    ],
    [
      'one list of full blocks alone',
      'fullKvIndices must be a Tensor',
      () => make({ fullKvIndices: undefined }),
    ],
    [
      'full blocks for other rows',
      'fullKvNumBlocks must have 2 rows',
      () =>
        make({
          fullKvNumBlocks: gpu.empty([2, 4, 3], { dtype: 'i32' }),
          fullKvIndices: gpu.empty([2, 4, 3, 1], { dtype: 'i32' }),
        }),
    ],
    [
      'lists for other heads',
      'the lists must have 1 or 8 heads (H); got 4',
      () => make({}, { H: 8 }),
    ],
    [
      'lists for other batch entries',
      'the lists must have 1 or 3 batch entries or sequences (B); got 2',
      () => make({}, { B: 3 }),
    ],
    [
      'names of the lists that there are not',
      'there is no kvBlocks in the lists',
      () => make({ kvBlocks: 1 } as object),
    ],
    ['a problem without lengths', 'Lq is required', () => make({}, { Lq: undefined })],
    [
      'options that there are not',
      'there is no mask_mod in options',
      () => make({}, { mask_mod: causal }),
    ],
  ])('%s', ([, message, run]) => {
    expect(run()).toThrow(message);
  });
});
