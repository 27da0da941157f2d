import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { table } from '../../problems/captured-tables.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { type Case, defineCase } from '../case.ts';
import { areRight } from './expect.ts';
import { base, type Build } from './problem-cases.ts';

const documents = table([300], 'i32', (i) => Math.floor(i / 45));

/** Masks with full, partial and empty tiles, and rows that see nothing. */
const pairs: Readonly<Record<string, Pair>> = {
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

const layouts: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 100, lk: 150 }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [70, 0, 33], kLens: [140, 5, 33], spareRows: [3, 3] }),
  paged: (dtype) => pagedProblem({ ...base, dtype, qLens: [70, 2], used: [140, 40], pageSize: 16 }),
};

/** The mask as a function, and as a BlockMask of several sizes: kernels of their own. */
const forms = {
  'mask-mod': [{}],
  'block-mask': [{ blockSize: 32 }, { blockSize: [64, 128] }],
} as const;

type Form = keyof typeof forms;

const quick = ['band/dense/mask-mod', 'mask-and-score/packed/block-mask'];

const maskCase = (name: string, layout: string, form: Form): Case[] => {
  const [pair, build] = [pairs[name]!, layouts[layout]!];
  const id = `${name}/${layout}/${form}`;
  const isQuick = quick.includes(id);
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

export const maskCases: readonly Case[] = Object.keys(pairs).flatMap((name) =>
  Object.keys(layouts).flatMap((layout) =>
    (Object.keys(forms) as Form[]).flatMap((form) => maskCase(name, layout, form)),
  ),
);
