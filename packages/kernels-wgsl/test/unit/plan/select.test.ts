import { type Tuning, UnsupportedError } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../../src/hooks/alibi.ts';
import { band } from '../../../src/hooks/band.ts';
import { variantHooks } from '../../../src/hooks/contract.ts';
import { softcap } from '../../../src/hooks/softcap.ts';
import { select } from '../../../src/plan/select.ts';
import { cannotImplement, tileShape } from '../../../src/tiles/compute.ts';
import { capabilities, devices } from './capabilities.ts';
import { facts, kinds as kind, sizes, splitCounts as splits } from './facts.ts';

const device = fc.constantFrom(...Object.values(devices));

const force = (path: 'portable' | 'subgroup' | 'decode'): Tuning => ({
  version: 1,
  force: { path },
});

describe('with a fixed numSplits, select', () => {
  it('never looks at a batch size or a length', () => {
    const property = fc.property(kind, splits, device, sizes, sizes, (k, numSplits, on, a, b) => {
      const one = select({ ...k, ...a, numSplits }, on);
      const other = select({ ...k, ...b, numSplits }, on);
      expect(other).toEqual(one);
    });
    fc.assert(property);
  });

  it('does not look at the number of heads either, only at their ratio', () => {
    const property = fc.property(kind, splits, device, sizes, (k, numSplits, on, size) => {
      const one = select({ ...k, ...size, numSplits }, on);
      const more = { ...k, qHeads: 3 * k.qHeads, kvHeads: 3 * k.kvHeads };
      expect(select({ ...more, ...size, numSplits }, on)).toEqual(one);
    });
    fc.assert(property);
  });

  it('splits as told, and prefills at every length when told 1', () => {
    const property = fc.property(kind, splits, device, sizes, (k, numSplits, on, size) => {
      const chosen = select({ ...k, ...size, numSplits }, on);
      expect(chosen.splits).toBe(numSplits);
      expect(chosen.config.rows).toBe(numSplits === 1 ? 'head' : 'group');
    });
    fc.assert(property);
  });
});

describe('whatever the problem, select', () => {
  it('finds a kernel that the device can run', () => {
    const property = fc.property(kind, sizes, device, (k, size, on) => {
      const { config, splits: n } = select({ ...k, ...size, numSplits: 'auto' }, on);
      expect(cannotImplement(config.tile, on)).toBeUndefined();
      expect(n).toBeGreaterThanOrEqual(1);
      expect(Number.isInteger(n)).toBe(true);
    });
    fc.assert(property);
  });

  it('carries its facts into the config', () => {
    const { config } = select(
      {
        ...facts,
        kvDtype: 'f16',
        headDim: 40,
        headDimV: 8,
        hooks: variantHooks([softcap, alibi, band]),
      },
      capabilities(),
    );
    expect(config).toMatchObject({ qType: 'f32', kvType: 'f16', headDim: 40, headDimV: 8 });
    expect(config.hooks.key).toBe('softcap+alibi+band');
  });
});

describe("with numSplits 'auto', select", () => {
  const cpu = capabilities({ subgroups: { min: 8, max: 8 } });
  // 16 rows of a group fill a tile: 4 positions × 4 query heads per kv head.
  it.for([
    [1, 'group'],
    [4, 'group'],
    [5, 'head'],
  ] as const)('takes %i query positions as %s rows', ([seqlenQ, rows]) => {
    expect(select({ ...facts, seqlenQ }, cpu).config.rows).toBe(rows);
  });

  it('counts the positions of one sequence when they are packed', () => {
    const packed = { ...facts, lengths: 'varlen', seqlenQ: 100 } as const;
    expect(select({ ...packed, batch: 100 }, cpu).config.rows).toBe('group');
    expect(select({ ...packed, batch: 10 }, cpu).config.rows).toBe('head');
  });

  it('splits the keys of a lone decode step, but not into scraps', () => {
    const step = { ...facts, seqlenQ: 1 };
    expect(select({ ...step, seqlenK: 511 }, cpu).splits).toBe(1);
    expect(select({ ...step, seqlenK: 512 }, cpu).splits).toBe(2);
    expect(select({ ...step, seqlenK: 2 ** 20, batch: 64 }, cpu).splits).toBe(1);
    expect(select({ ...step, seqlenK: 2 ** 20 }, devices['WebGPU defaults']!).splits).toBe(64);
    expect(select({ ...facts, seqlenK: 2 ** 20 }, cpu).splits).toBe(1);
  });
});

describe('a forced path', () => {
  const cpu = devices['a CPU with subgroups of 8']!;

  it.for(['portable', 'subgroup'] as const)('%s is taken', (path) => {
    const { config, reason } = select(facts, cpu, force(path));
    expect(config.tile.path).toBe(path);
    expect(reason).toContain(`forced: ${path} tiles`);
  });

  it('decode packs the heads of a group, at any length', () => {
    const { config } = select(facts, cpu, force('decode'));
    expect(config.rows).toBe('group');
    expect(config.tile.path).toBe(select(facts, cpu).config.tile.path);
  });

  it.for(Object.entries(devices))('never breaks anything but subgroup: %s', ([, on]) => {
    expect(select(facts, on, force('portable')).config.tile.path).toBe('portable');
    expect(select(facts, on, force('decode')).config.rows).toBe('group');
  });

  it.for([
    ['WebGPU defaults', 'no subgroups'],
    ['a GPU with subgroups of 8 to 32', '8 to 32 lanes'],
  ] as const)('that %s cannot take is an UnsupportedError with the reason', ([name, reason]) => {
    const run = (): unknown => select(facts, devices[name]!, force('subgroup'));
    expect(run).toThrow(UnsupportedError);
    expect(run).toThrow(/^attention: no subgroup kernel can run on this device; /);
    expect(run).toThrow(reason);
    expect(run).toThrow('Remove tuning.force.');
  });
});

describe('the reason of a selection', () => {
  it('names path, tile and splits', () => {
    const { reason, config } = select(facts, devices['WebGPU defaults']!);
    const { tileM, tileN } = tileShape(config.tile);
    expect(reason).toBe(
      `prefill, default for this class: portable tiles of ${tileM} × ${tileN}, keys not split`,
    );
  });

  it('says why a better path was passed over', () => {
    const odd = capabilities({ subgroups: { min: 4, max: 8 } });
    const { reason, config } = select({ ...facts, seqlenQ: 1, numSplits: 3 }, odd);
    expect(config.tile.path).toBe('portable');
    expect(reason).toMatch(/^decode, .*; not subgroup: .*4 to 8 lanes.*, keys in 3 splits$/);
  });
});
