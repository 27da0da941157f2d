import { isFullRun, testTier } from '@heed/testing/tier';
import type { RunnableCase } from '../../src/cases/shared/case.ts';
import { casesOf } from '../../src/run/select-cases.ts';
import selection from './selection.json' with { type: 'json' };

const of = (ids: readonly string[]): RunnableCase[] =>
  casesOf({}).filter(({ id }) => ids.includes(id));

/** What a tier takes of the cases in the quick run; {@link selection} says which, and `choose.ts` how they were chosen. */
const quick: Readonly<Record<string, () => RunnableCase[]>> = {
  once: () => of(selection.groups),
  'gpu-node': () => casesOf({}).filter(({ id }) => !selection.left.includes(id)),
  'gpu-swiftshader': () => of(selection.devices),
  'gpu-minimal': () => of(selection.devices),
  'gpu-naga': () => of(selection.devices),
  'gpu-browser': () => of(selection.browsers),
  'gpu-firefox': () => of(selection.browsers),
};

/** What a tier takes in the full run, where that is not everything. */
const full: Readonly<Record<string, () => RunnableCase[]>> = {
  once: () => of(selection.groups),
  'gpu-naga': () => casesOf({ tag: 'browser' }),
  'gpu-firefox': () => casesOf({ tag: 'browser' }),
};

/** Returns the cases of the tier that is running, in running order. */
export function tierCases(): RunnableCase[] {
  const tier = testTier();
  const all = casesOf({ tier: isFullRun() ? 'full' : 'quick' });
  // Matrices of f16 do not multiply f32.
  if (tier === 'subgroup-matrix') return all.filter(({ dtype }) => dtype === 'f16');
  return (isFullRun() ? full : quick)[tier]?.() ?? all;
}

/** Returns cases by their group. */
export const byGroup = (cases: readonly RunnableCase[]): [group: string, RunnableCase[]][] => [
  ...Map.groupBy(cases, ({ group }) => group),
];
