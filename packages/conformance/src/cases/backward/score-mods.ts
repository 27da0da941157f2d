import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import type { Case } from '../case.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

// WGSL's sine and cosine may be 2⁻¹¹ off (https://www.w3.org/TR/WGSL/#floating-point-accuracy).
const scoreError = 2 ** -10;

/** Score mods with derivatives of every kind. */
const pairs: Readonly<Record<string, Pair>> = {
  identity: () => mods({ scoreMod: (s) => s }),
  squared: () => mods({ scoreMod: (s) => s * s }),
  'rel-bias': () => mods({ scoreMod: (s, b, h, q, kv) => s + (q - kv) / 8 }),
  causal: () => mods({ scoreMod: (s, b, h, q, kv) => (q >= kv ? s : -Infinity) }),
  'tanh-softcap': () =>
    mods({
      scoreMod: (s, b, h, q, kv, { cap }) => cap * Math.tanh(s / cap),
      captures: { cap: 1.5 },
    }),
  // Branches by position and by the score itself, a masked one among them.
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

const layouts: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 37, lk: 50 }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [33, 0, 9], kLens: [40, 5, 0], spareRows: [3, 3] }),
  paged: (dtype) =>
    pagedProblem({ ...base, dtype, qLens: [20, 3], used: [40, 19], pageSize: 7, pages: 'shared' }),
};

const quick = ['branches/dense', 'causal/paged'];

/** Each mod over each layout; every one is three kernels of its own. */
export const scoreModCases: readonly Case[] = Object.entries(pairs).flatMap(([name, pair]) =>
  Object.entries(layouts).flatMap(([layout, build]) =>
    gradientCase(
      'backward-score-mods',
      `${name}/${layout}`,
      (dtype) => withMods(build(dtype), pair),
      {
        tier: quick.includes(`${name}/${layout}`) ? 'quick' : 'full',
        f16Tier: 'full',
        tags: quick.includes(`${name}/${layout}`) ? ['browser'] : [],
      },
    ),
  ),
);
