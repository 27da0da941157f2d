import {
  bareVars,
  isFullRun,
  nagaGaps,
  unpairedBracket,
  untidiness,
  withoutComments,
} from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { ownersSource } from '../../src/host/shared-keys.ts';
import { sinksSource } from '../../src/host/sink-gradients.ts';
import { finishSource } from '../../src/host/table-gradients.ts';
import { gatherSource } from '../../src/host/word-kernels.ts';
import { fillSource } from '../../src/host/zero-fill.ts';
import { select } from '../../src/select/selection.ts';
import { backwardSource } from '../../src/text/kernels/backward.wgsl.ts';
import { combineKey, combineSource } from '../../src/text/kernels/combine.wgsl.ts';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import { invertSource, pairSlotsSource } from '../../src/text/kernels/inverted-lists.wgsl.ts';
import { chunkSumSource } from '../../src/text/kernels/chunk-sums.wgsl.ts';
import { selectedGradientSource } from '../../src/text/kernels/selected-gradients.wgsl.ts';
import { keyScoresSource } from '../../src/text/kernels/key-scores.wgsl.ts';
import { keySelectionSource } from '../../src/text/kernels/key-selection.wgsl.ts';
import { pairWeightsSource } from '../../src/text/kernels/pair-weights.wgsl.ts';
import {
  countDigitsSource,
  scatterSource,
  sumCountsSource,
} from '../../src/text/kernels/radix-sort.wgsl.ts';
import { deltaSource } from '../../src/text/kernels/row-states.wgsl.ts';
import { sumSource } from '../../src/text/kernels/shared-keys.wgsl.ts';
import { backwardKey, type ForwardConfig, forwardKey } from '../../src/text/tiles/kernel-config.ts';
import { candidatesOf } from '../../src/tune/tile-candidates.ts';
import { devices, facts } from './facts.ts';
import {
  backwardConfigs,
  combineConfigs,
  deltaConfigs,
  forwardConfigs,
  invertedConfigs,
  keyScoresConfigs,
  selectedGradientConfigs,
  keySelectionConfigs,
  pairWeightsConfigs,
  plain,
  sumConfigs,
} from './kernel-configs.ts';
import { pairwise } from './pairwise.ts';

// What `tune` may choose.
const tuned = Object.values(devices).flatMap((on) =>
  [512, 1].flatMap((seqlenQ) => {
    const { config } = select({ ...facts, seqlenQ }, on);
    const { tiles } = candidatesOf({ ...facts, seqlenQ }, on);
    return tiles.map((tile) => ({ ...plain, rows: config.rows, tile }));
  }),
);

/** The quick run has every pair of values of two fields, the full run all configs. */
const some = <T extends object>(configs: readonly T[]): readonly T[] =>
  isFullRun() ? configs : pairwise(configs);
const forward = some(forwardConfigs);
const backward = some(backwardConfigs);

const sources = [
  ...forward.map((config) => forwardSource(config)),
  ...some(tuned).map((config) => forwardSource(config)),
  ...some(combineConfigs).map((config) => combineSource(config)),
  gatherSource,
  ...backward.map((config) => backwardSource(config)),
  ...some(deltaConfigs).map((config) => deltaSource(config)),
  ...some(sumConfigs).map((config) => sumSource(config)),
  ...some(keyScoresConfigs).map((config) => keyScoresSource(config)),
  ...some(keySelectionConfigs).map((config) => keySelectionSource(config)),
  ...some(pairWeightsConfigs).map((config) => pairWeightsSource(config)),
  ...some(invertedConfigs).flatMap((config) => [pairSlotsSource(config), invertSource(config)]),
  ...some(selectedGradientConfigs).flatMap((config) =>
    config.of === 'keys'
      ? [selectedGradientSource(config), chunkSumSource(config)]
      : [selectedGradientSource(config)],
  ),
  countDigitsSource,
  sumCountsSource,
  scatterSource,
  fillSource,
  finishSource,
  ownersSource,
  sinksSource,
];

/** `label: finding` for every kernel about which `find` has something to say; the first few. */
function findings(find: (code: string) => readonly string[]): string[] {
  const found: string[] = [];
  for (const { label, code } of sources) {
    const all = find(code);
    if (all.length > 0) found.push(`${label}: ${all.slice(0, 3).join(' | ')}`);
    if (found.length === 5) break;
  }
  return found;
}

describe(`the text of ${sources.length} kernels`, () => {
  it('initialises every variable of a function', () => {
    expect(findings(bareVars)).toEqual([]);
  });

  it('holds nothing that naga lacks', () => {
    expect(findings(nagaGaps)).toEqual([]);
  });

  it('pairs its brackets', () => {
    expect(findings((code) => [unpairedBracket(code) ?? []].flat())).toEqual([]);
  });

  it('reads as if written by hand', () => {
    expect(findings(untidiness)).toEqual([]);
  });

  it('enables a feature exactly where the code uses it', () => {
    const wrong = sources.filter(({ code }) => {
      const text = withoutComments(code);
      const f16 = /\bf16>/.test(text) !== text.includes('enable f16;');
      return f16 || /\bsubgroup\w+\(/.test(text) !== text.includes('enable subgroups;');
    });
    expect(wrong.map(({ label }) => label)).toEqual([]);
  });

  // Some compilers never get through the branches that && and || are, where they run for every score.
  it('has no short-circuit in what runs for every score', () => {
    const perScore =
      /\bfn (?:mod_score|mod_score_derivative|masked_score|(?:score|visible|slope)_\w+)\([^{]*\{[\s\S]*?\n\}/g;
    const bodies = (code: string): string[] => withoutComments(code).match(perScore) ?? [];
    expect(sources.some(({ code }) => bodies(code).length > 2)).toBe(true);
    expect(findings((code) => bodies(code).filter((body) => /&&|\|\|/.test(body)))).toEqual([]);
  });

  it('calls no function that it does not declare, and declares none twice', () => {
    const wrong = findings((code) => {
      const text = withoutComments(code);
      const declared = [...text.matchAll(/\b(?:fn|struct) (\w+)/g)].map((match) => match[1]!);
      const called = [...text.matchAll(/\b([a-z]+_\w+|Row|Span|Work|Sequence|Softmax)\(/g)];
      const unknown = called.map((match) => match[1]!).filter((name) => !declared.includes(name));
      const twice = declared.filter((name, i) => declared.indexOf(name) !== i);
      return [...unknown.filter((name) => !/^(?:work|sub)group_size$/.test(name)), ...twice];
    });
    expect(wrong).toEqual([]);
  });

  it('says in its bindings what its source says', () => {
    const access = { 'storage, read': 'read', 'storage, read_write': 'write', uniform: 'uniform' };
    for (const { code, bindings, label } of sources) {
      const declared = [...code.matchAll(/@group\(0\) @binding\((\d+)\) var<([^>]+)>/g)];
      expect(declared.map((m) => Number(m[1]))).toEqual(bindings.map((_, i) => i));
      expect(
        declared.map((m) => access[m[2] as keyof typeof access]),
        label,
      ).toEqual(bindings);
    }
  });
});

/** Slots by their first name: lists of selected keys take that of a block mask. */
const slotsOf = (code: string): string[] =>
  [...code.matchAll(/@binding\((\d+)\) var<[^>]+> (\w+):/g)].map(
    ([, slot, name]) => `${name === 'selected' ? 'block_mask' : name} ${slot}`,
  );

describe('a forward kernel', () => {
  it('binds the nine slots in their order, whatever its config', () => {
    const slots = 'q 0 k 1 v 2 metadata 3 block_mask 4 captures 5 out 6 lse 7 params 8'.match(
      /\w+ \d/g,
    );
    for (const config of forward) {
      expect(slotsOf(forwardSource(config).code)).toEqual(slots);
    }
  });

  it('has a key of its own for each config', () => {
    expect(new Set(forwardConfigs.map(forwardKey)).size).toBe(forwardConfigs.length);
    expect(new Set(combineConfigs.map(combineKey)).size).toBe(combineConfigs.length);
  });

  it('keeps its key when only object identity differs', () => {
    const copy = structuredClone({ ...plain, hooks: { ...plain.hooks, scores: [], masks: [] } });
    expect(forwardKey(copy as ForwardConfig)).toBe(forwardKey(plain));
  });

  it('is generated once', () => {
    expect(forwardSource({ ...plain })).toBe(forwardSource(plain));
  });
});

describe('a backward kernel', () => {
  it('binds the nine slots in their order, whatever its config', () => {
    const slots = 'q 0 k 1 v 2 dout 3 metadata 4 block_mask 5 captures 6 out 7 params 8'.match(
      /\w+ \d/g,
    );
    for (const config of backward) {
      expect(slotsOf(backwardSource(config).code)).toEqual(slots);
    }
  });

  it('has a key of its own for each config', () => {
    expect(new Set(backwardConfigs.map(backwardKey)).size).toBe(backwardConfigs.length);
  });

  // A largest number has no order.
  it('adds no float atomically', () => {
    const kernels = backward.filter(({ of }) => of !== 'tables').map(backwardSource);
    const others = kernels.filter(({ code }) => /\batomic(?!Max\()[A-Z]/.test(code));
    expect(others.map(({ label }) => label)).toEqual([]);
  });
});
