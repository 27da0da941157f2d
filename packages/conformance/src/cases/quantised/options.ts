import { normal } from '../../problems/build-problem.ts';
import { random } from '../../reference/seeded-random.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import type { Case } from '../case.ts';
import { formats, inPages, integerCase, rowKinds } from './problem-cases.ts';

const sinks = normal([4], random(7), 'f32');
const alibiSlopes = normal([4], random(8), 'f32', 0.1);

/** What is data of a run, and so shares the kernel of plain pages. */
const plain: Readonly<Record<string, ReferenceOptions>> = {
  full: {},
  'window-20-3': { window: [20, 3] },
  'causal-start': { causal: true, align: 'start' },
  sinks: { sinks, causal: true },
  scale: { scale: 0.3 },
};

/** What has a kernel of its own. */
const softened: Readonly<Record<string, ReferenceOptions>> = {
  'softcap-alibi': { softcap: 2, alibiSlopes },
  'softcap-alibi-window-sinks': { softcap: 0.7, alibiSlopes, window: [30, 0], sinks },
};

const lengths = { used: [70, 1, 50, 40, 9], pageSize: 16 } as const;

export const optionCases: readonly Case[] = formats.flatMap((format) => [
  ...(['prefill', 'decode'] as const).flatMap((rows) => {
    const { numSplits, qLens } = rowKinds[rows];
    return integerCase(
      'quantised-options',
      `${format}/${rows}/data`,
      (dtype) =>
        Object.fromEntries(
          Object.entries(plain).map(([name, options]) => [
            name,
            inPages({ dtype, ...lengths, qLens, options }, format),
          ]),
        ),
      { numSplits },
    );
  }),
  ...integerCase(
    'quantised-options',
    `${format}/softcap-alibi`,
    (dtype) =>
      Object.fromEntries(
        Object.entries(softened).map(([name, options]) => [
          name,
          inPages({ dtype, dim: 16, ...lengths, qLens: rowKinds.decode.qLens, options }, format),
        ]),
      ),
    { numSplits: 2 },
    { f16Tier: 'full' },
  ),
]);
