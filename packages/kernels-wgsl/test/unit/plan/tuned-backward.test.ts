import type { Tuning, TuningEntry } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { softcap } from '../../../src/text/hooks/softcap.ts';
import { variantHooks } from '../../../src/text/parts/hook.ts';
import { gradientKey, problemKey } from '../../../src/select/problem-facts.ts';
import { selectBackward } from '../../../src/select/selection.ts';
import { devices } from './capabilities.ts';
import { facts, kinds, sizes, splitCounts } from './facts.ts';

const gpu = devices['a GPU with subgroups of 32']!;
const portable = { path: 'portable', threadsM: 16, rowsPerThread: 2, unroll: false } as const;
const subgroup = { path: 'subgroup', subgroupSize: 32, rowsPerLane: 2, keysPerLane: 2 } as const;

const tuningFor = (of: 'q' | 'kv', entry: unknown): Tuning => ({
  version: 1,
  entries: { [gradientKey(facts, of)]: entry as TuningEntry },
});

describe('the key of a gradient', () => {
  it('is another for each kernel, and for the forward pass', () => {
    const keys = [problemKey(facts, 'head'), gradientKey(facts, 'q'), gradientKey(facts, 'kv')];
    expect(new Set(keys).size).toBe(3);
    expect(gradientKey(facts, 'kv')).toMatch(/^dkv .* splits=auto q<=512 k<=512 heads<=2$/);
  });

  it.for([
    { dtype: 'f16' },
    { headDim: 32 },
    { headDimV: 32 },
    { lengths: 'varlen' },
    { keys: 'paged' },
    { hooks: variantHooks([softcap]) },
    { qHeads: 4 },
    { seqlenQ: 513 },
    { numSplits: 1 },
  ] as const)('tells apart %o', (change) => {
    expect(gradientKey({ ...facts, ...change }, 'q')).not.toBe(gradientKey(facts, 'q'));
  });

  it('with a fixed numSplits holds no batch size and no length', () => {
    const property = fc.property(kinds, splitCounts, sizes, sizes, (k, numSplits, a, b) => {
      const one = gradientKey({ ...k, ...a, numSplits }, 'kv');
      expect(gradientKey({ ...k, ...b, numSplits }, 'kv')).toBe(one);
    });
    fc.assert(property);
  });
});

describe('an entry for a gradient', () => {
  it.for([
    ['q', portable, /^dq, tuned: portable tiles of 32 × \d+$/],
    ['kv', subgroup, /^dk and dv, tuned: subgroup tiles of 64 × \d+$/],
  ] as const)('is taken for d%s', ([of, entry, reason]) => {
    const selection = selectBackward(facts, of, gpu, tuningFor(of, entry));
    expect(selection.tile).toEqual(entry);
    expect(selection.reason).toMatch(reason);
  });

  it('is not taken for another kernel, nor for tables', () => {
    for (const of of ['kv', 'tables'] as const) {
      const { tile } = selectBackward(facts, of, gpu, tuningFor('q', subgroup));
      expect(tile).toEqual(selectBackward(facts, of, gpu).tile);
    }
    const { reason } = selectBackward(facts, 'kv', gpu, tuningFor('q', subgroup));
    expect(reason).toContain('not tuned: no entry for this problem');
  });

  it('of matrices, which have no backward kernels, is passed over with the reason', () => {
    const matrix = { ...portable, path: 'matrix' };
    const { tile, reason } = selectBackward(facts, 'q', gpu, tuningFor('q', matrix));
    expect(tile).toEqual(selectBackward(facts, 'q', gpu).tile);
    expect(reason).toContain("tuned entry not used: path is 'matrix'");
  });

  it('that this device cannot run gives way to the default, with the reason', () => {
    const cpu = devices['a CPU with subgroups of 8']!;
    const { tile, reason } = selectBackward(facts, 'q', cpu, tuningFor('q', subgroup));
    expect(tile).toEqual(selectBackward(facts, 'q', cpu).tile);
    expect(reason).toContain('not the tuned subgroup: the tile is for subgroups of 32');
  });

  it('yields to a forced path', () => {
    const tuning: Tuning = { ...tuningFor('q', subgroup), force: { path: 'portable' } };
    expect(selectBackward(facts, 'q', gpu, tuning).reason).toContain('forced: portable');
  });
});
