import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { table } from '../../problems/host-tables.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { randomBlocks, withLists } from '../../problems/listed-blocks.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { areRight, base, type Build, gradientCase } from './gradient-case.ts';

// WGSL allows sine and cosine an error of 2⁻¹¹ (https://www.w3.org/TR/WGSL/#floating-point-accuracy).
const scoreError = 2 ** -10;

/** Score mods with derivatives of every kind. */
const scorePairs: Readonly<Record<string, Pair>> = {
  identity: () => mods({ scoreMod: (s) => s }),
  squared: () => mods({ scoreMod: (s) => s * s }),
  'rel-bias': () => mods({ scoreMod: (s, b, h, q, kv) => s + (q - kv) / 8 }),
  causal: () => mods({ scoreMod: (s, b, h, q, kv) => (q >= kv ? s : -Infinity) }),
  'tanh-softcap': () =>
    mods({
      scoreMod: (s, b, h, q, kv, { cap }) => cap * Math.tanh(s / cap),
      captures: { cap: 1.5 },
    }),
  // Branches by position and by the score itself; one branch masks.
  branches: () =>
    mods({
      scoreMod: (s, b, h, q, kv) => {
        if (kv > q + 9) return -Infinity;
        if (h % 2 === 0) return s > 0 ? s * 0.5 : s * 2;
        return kv % 3 === 0 ? s * s * 0.25 : s + h;
      },
    }),
  trig: () => mods({ scoreMod: (s, b, h) => Math.sin(s) * 2 + Math.cos(s * 0.5 + h), scoreError }),
  silu: () => mods({ scoreMod: (s) => s / (1 + Math.exp(-s)) }),
  'skip-odd-keys': () => mods({ scoreMod: (s, b, h, q, kv) => (kv % 2 === 0 ? s : -Infinity) }),
};

const scoreLayouts: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 37, lk: 50 }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [33, 0, 9], kLens: [40, 5, 0], spareRows: [3, 3] }),
  paged: (dtype) =>
    pagedProblem({ ...base, dtype, qLens: [20, 3], used: [40, 19], pageSize: 7, pages: 'shared' }),
};

const quickScores = ['branches/dense', 'causal/paged'];

/** Each mod over each layout. Every combination compiles three kernels. */
const scoreModCases: readonly RunnableCase[] = Object.entries(scorePairs).flatMap(([name, pair]) =>
  Object.entries(scoreLayouts).flatMap(([layout, build]) =>
    gradientCase(
      'backward-score-mods',
      `${name}/${layout}`,
      (dtype) => withMods(build(dtype), pair),
      {
        tier: quickScores.includes(`${name}/${layout}`) ? 'quick' : 'full',
        f16Tier: 'full',
        tags: quickScores.includes(`${name}/${layout}`) ? ['browser'] : [],
      },
    ),
  ),
);

const documents = table([300], 'i32', (i) => Math.floor(i / 45));

/** Masks with full, partial and empty tiles, and rows without visible keys. */
const maskPairs: Readonly<Record<string, Pair>> = {
  band: () =>
    mods({ maskMod: (b, h, q, kv, c) => q >= kv && q - kv <= c.left, captures: { left: 40 } }),
  document: (given) =>
    mods({
      maskMod: (b, h, q, kv, { id }) => id[q] === id[kv],
      captures: { id: given(documents) },
    }),
  'mask-and-score': () =>
    mods({
      scoreMod: (s, b, h, q, kv) => s * s * 0.5 + 0.1 * (q - kv),
      maskMod: (b, h, q, kv) => ((q * 5 + kv * 3) & 7) !== 1 && q % 11 !== 4,
    }),
};

const maskLayouts: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 100, lk: 150 }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [70, 0, 33], kLens: [140, 5, 33], spareRows: [3, 3] }),
  paged: (dtype) => pagedProblem({ ...base, dtype, qLens: [70, 2], used: [140, 40], pageSize: 16 }),
};

/** The mask as a function, and as a BlockMask of several sizes. Each form compiles its own kernels. */
const forms = {
  'mask-mod': [{}],
  'block-mask': [{ blockSize: 32 }, { blockSize: [64, 128] }],
} as const;

type Form = keyof typeof forms;

const quickMasks = ['band/dense/mask-mod', 'mask-and-score/packed/block-mask'];

const maskCase = (name: string, layout: string, form: Form): RunnableCase[] => {
  const [pair, build] = [maskPairs[name]!, maskLayouts[layout]!];
  const id = `${name}/${layout}/${form}`;
  const isQuick = quickMasks.includes(id);
  return defineCase('backward-masks', id, {
    tier: isQuick ? 'quick' : 'full',
    f16Tier: 'full',
    tags: isQuick ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = withMods(poisonUnused(build(dtype), NaN), pair);
      const by = resultGradients(problem, dtype, { lse: true });
      const checks = [];
      for (const options of forms[form]) {
        const got = await launchBackward(gpu, problem, by, dtype, options);
        checks.push(...areRight(JSON.stringify(options), got, problem, by, dtype));
      }
      return checks;
    },
  });
};

const maskCases: readonly RunnableCase[] = Object.keys(maskPairs).flatMap((name) =>
  Object.keys(maskLayouts).flatMap((layout) =>
    (Object.keys(forms) as Form[]).flatMap((form) => maskCase(name, layout, form)),
  ),
);

/** Blocks by batch entry and head, and shared ones; the packed problem has more columns of blocks than its lists. */
const listShapes = { dense: [2, 4, 4, 5], packed: [1, 1, 3, 4], paged: [2, 1, 3, 5] } as const;

const listCases: readonly RunnableCase[] = (['dense', 'packed', 'paged'] as const).flatMap(
  (layout) =>
    gradientCase(
      'backward-listed-blocks',
      layout,
      (dtype) =>
        withLists(
          withMods(maskLayouts[layout]!(dtype), maskPairs['band']!),
          randomBlocks([32, 32], listShapes[layout], 51),
        ),
      { tier: layout === 'dense' ? 'quick' : 'full', f16Tier: 'full' },
    ),
);

/** Gradients through score mods and masks. */
export const backwardModCases: readonly RunnableCase[] = [
  ...scoreModCases,
  ...maskCases,
  ...listCases,
];
