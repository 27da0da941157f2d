import type { Check } from '../../budget/output-checks.ts';
import { denseProblem } from '../../problems/build-problem.ts';
import { normalTable, placed, table, type TablePlacement } from '../../problems/host-tables.ts';
import { mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { random } from '../../reference/pseudo-random.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { pairCases, rightBySplits } from './pair-case.ts';

// Smaller than some lengths of the layouts: indices clamp.
const [B, H, Q, K] = [3, 4, 64, 96];
const source = random(41);

const scale = normalTable([], source);
const byHead = normalTable([H], source);
const byQuery = normalTable([Q], source);
const byKey = normalTable([K], source, 'f16');
const relative = normalTable([H, 2 * K + 1], source);
const perQuery = normalTable([Q, K], source);
const perBatch = normalTable([B, Q, K], source, 'f16');
const perHead = normalTable([B, H, Q, K], source);
const halves = normalTable([H, Q, 35], source, 'f16');
const brains = normalTable([H, K], random(43), 'bf16');
const integers = table([H, K], 'i32', () => source.below(7) - 3);
const naturals = table([Q], 'u32', () => source.below(5));
const permutation = table([Q], 'i32', () => source.below(Q + 20) - 10);
const window = normalTable([9], source);

/** Score mods that add elements of captured tables: PyTorch's TestLearnableBiases, and every rank and dtype. */
const pairs: Readonly<Record<string, Pair>> = {
  'rank-0': (given) =>
    mods({ scoreMod: (s, b, h, q, kv, c) => s * c.scale, captures: { scale: given(scale) } }),
  'rank-1-key-f16': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]!,
      captures: { bias: given(byKey) },
    }),
  'rank-2-relative': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, { bias, most }) => s + bias[h]![q - kv + most]!,
      captures: { bias: given(relative), most: K },
    }),
  'rank-2-flipped-reversed': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]![q]!,
      captures: { bias: given(placed(perQuery, 'reversed')) },
    }),
  'rank-3-batch-f16-middle': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[b]![q]![kv]!,
      captures: { bias: given(placed(perBatch, 'middle')) },
    }),
  'rank-3-f16-reversed': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[h]![q]![kv]!,
      captures: { bias: given(placed(halves, 'reversed')) },
    }),
  'rank-4': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[b]![h]![q]![kv]!,
      captures: { bias: given(perHead) },
    }),
  'i32-middle': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[h]![kv]!,
      captures: { bias: given(placed(integers, 'middle')) },
    }),
  // Tables of different dtypes and memory layouts are gathered into one binding.
  'three-tables': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s * c.gate[h]! + c.key[kv]! - c.count[q]! / 4,
      captures: {
        gate: given(byHead),
        key: given(placed(byKey, 'middle')),
        count: given(naturals),
      },
    }),
  // One tensor under two names, one of which is read twice.
  'read-twice': (given) => {
    const both = given(byQuery);
    return mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.left[q]! * c.left[kv]! - c.right[kv]!,
      captures: { left: both, right: both },
    });
  },
  indirect: (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[c.offset[q]!]!,
      captures: { bias: given(byQuery), offset: given(permutation) },
    }),
  'indirect-rank-4': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[b]![h]![c.offset[q]!]![kv]!,
      captures: { bias: given(perHead), offset: given(permutation) },
    }),
  'local-window': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[Math.min(Math.max(q - kv + 4, 0), 8)]!,
      captures: { bias: given(window) },
    }),
  'global-keys': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => (kv < c.globals ? s + c.bias[kv]! : s),
      captures: { bias: given(window), globals: 9 },
    }),
  'rank-2-bf16-middle': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[h]![kv]!,
      captures: { bias: given(placed(brains, 'middle')) },
    }),
};

const biasCases: readonly RunnableCase[] = pairCases('flex-biases', pairs, {
  first: 1,
  full: ['rank-3-batch-f16-middle', 'rank-4', 'indirect-rank-4', 'global-keys'],
  browser: ['rank-0', 'rank-2-relative', 'rank-3-f16-reversed', 'three-tables', 'indirect'],
  f16: ['rank-3-f16-reversed'],
  bf16: ['rank-2-bf16-middle'],
});

const sizes = [2, 4, 40, 50] as const;
const placements: readonly TablePlacement[] = ['contiguous', 'reversed', 'middle'];

/** A bias of rank 4 in which some axes have size 1. */
const biasOf =
  (shape: readonly number[], placement: TablePlacement): Pair =>
  (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[b]![h]![q]![kv]!,
      captures: { bias: given({ ...normalTable(shape, random(7)), placement }) },
    });

/** Every set of axes of size 1 in every memory layout. All share one kernel, since shapes and strides are data. */
const broadcastCases: readonly RunnableCase[] = Array.from({ length: 16 }, (_, set) =>
  sizes.map((size, axis) => ((set >> axis) & 1 ? 1 : size)),
).flatMap((shape) =>
  defineCase('flex-broadcasts', shape.join('x'), {
    tags: shape[2] === shape[3] ? ['browser'] : [],
    f16Tier: 'full',
    async run(gpu, dtype) {
      const plain = denseProblem({ dtype, batch: 2, lq: 40, lk: 50, dim: 16 });
      const checks: Check[] = [];
      for (const placement of placements) {
        const problem = withMods(
          { ...plain, options: { align: 'start' } },
          biasOf(shape, placement),
        );
        checks.push(...(await rightBySplits(gpu, problem, dtype, [1], `${placement} `)));
      }
      return checks;
    },
  }),
);

/** Cases of captured tables. */
export const flexTableCases: readonly RunnableCase[] = [...biasCases, ...broadcastCases];
