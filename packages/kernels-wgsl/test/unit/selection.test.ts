import { type Capabilities, type Tuning, UnsupportedError } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { softcap } from '../../src/host/options/softcap-option.ts';
import { band } from '../../src/host/options/visible-band.ts';
import { select, selectBackward } from '../../src/select/selection.ts';
import { type ProblemFacts, problemKey } from '../../src/select/problem-facts.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import {
  cannotImplement,
  type TileConfig,
  gradientWorkgroups,
  tileShape,
} from '../../src/text/tiles/tile-paths.ts';
import { distance } from './distance.ts';
import {
  capabilities,
  devices,
  facts,
  kinds as kind,
  sizes,
  splitCounts as splits,
} from './facts.ts';

const device = fc.constantFrom(...Object.values(devices));

const force = (path: string): Tuning => ({
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
      // Lists of selected keys determine the rows of a tile.
      if (k.listRows) return;
      expect(chosen.use).toBe(numSplits === 1 ? 'head' : 'group');
    });
    fc.assert(property);
  });
});

describe('whatever the problem, select', () => {
  it('finds a kernel that the device can run', () => {
    const property = fc.property(kind, sizes, device, (k, size, on) => {
      const { config, splits: n } = select({ ...k, ...size, numSplits: 'auto' }, on);
      expect(cannotImplement(config, on)).toBeUndefined();
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
  const cpu = capabilities({ subgroups: { min: 8, max: 8 }, isFallbackAdapter: true });
  // 16 rows of a group fill a tile: 4 positions × 4 query heads per kv head.
  it.for([
    [1, 'group'],
    [4, 'group'],
    [5, 'head'],
  ] as const)('takes tiles for %i query positions of a %s', ([seqlenQ, use]) => {
    expect(select({ ...facts, seqlenQ }, cpu).use).toBe(use);
  });

  it('takes the heads of a group as rows on a CPU, unless a hook gains by single heads', () => {
    const rowsOf = (more: Partial<ProblemFacts>, on = cpu): string =>
      select({ ...facts, seqlenQ: 64, ...more }, on).config.rows;
    expect(rowsOf({})).toBe('group');
    expect(rowsOf({ kvHeads: facts.qHeads })).toBe('head');
    expect(rowsOf({ hooks: variantHooks([distance]) })).toBe('head');
    expect(rowsOf({ hooks: variantHooks([{ ...band, hasBlocks: true }]) })).toBe('head');
    expect(rowsOf({}, capabilities())).toBe('head');
  });

  it('counts the positions of one sequence when they are packed', () => {
    const packed = { ...facts, lengths: 'varlen', seqlenQ: 100 } as const;
    expect(select({ ...packed, batch: 100 }, cpu).use).toBe('group');
    expect(select({ ...packed, batch: 10 }, cpu).use).toBe('head');
  });

  it('takes the heads of a group as rows of a tile that has more rows than a head has positions', () => {
    const gpu = capabilities();
    const latent = { ...facts, qHeads: 128, kvHeads: 1, maxSeqlenK: 65_536, batch: 1 };
    const of = (more: Partial<ProblemFacts>): [rows: string, splits: number] => {
      const selected = select({ ...latent, ...more }, gpu);
      expect(selected.config.tile.path).toBe('portable');
      return [selected.config.rows, selected.splits];
    };
    // 4 tiles of 32 of the 128 heads.
    expect(of({ seqlenQ: 1 })).toEqual(['group', 64]);
    expect(of({ seqlenQ: 31, maxSeqlenK: 128 })).toEqual(['group', 1]);
    expect(of({ seqlenQ: 32 })).toEqual(['head', 1]);
    expect(of({ seqlenQ: 20, kvHeads: 128 })).toEqual(['head', 1]);
    // A fixed number counts no positions.
    for (const seqlenQ of [1, 4096]) {
      expect(of({ seqlenQ, numSplits: 1 })).toEqual(['group', 1]);
      expect(of({ seqlenQ, numSplits: 1, kvHeads: 8 })).toEqual(['head', 1]);
    }
  });

  it('splits the keys of a lone decode step, but not into scraps', () => {
    const step = { ...facts, seqlenQ: 1 };
    expect(select({ ...step, maxSeqlenK: 511 }, cpu).splits).toBe(1);
    expect(select({ ...step, maxSeqlenK: 512 }, cpu).splits).toBe(2);
    expect(select({ ...step, maxSeqlenK: 2 ** 20, batch: 64 }, cpu).splits).toBe(1);
    expect(select({ ...step, maxSeqlenK: 2 ** 20 }, devices['WebGPU defaults']!).splits).toBe(128);
    expect(select({ ...facts, maxSeqlenK: 2 ** 20 }, cpu).splits).toBe(1);
  });
});

describe('a forced path', () => {
  const cpu = devices['a CPU with subgroups of 8']!;

  it('that does not exist is refused, with those that do', () => {
    const message =
      "attention: tuning.force.path must be a tile path; got 'subgroups'. " +
      'Did you mean subgroup? There are matrix, decode, integers, subgroup, portable.';
    expect(() => select(facts, cpu, force('subgroups'))).toThrow(message);
    expect(() => selectBackward(facts, 'q', cpu, force('subgroups'))).toThrow(message);
  });

  it.for(['portable', 'subgroup'] as const)('%s is taken', (path) => {
    const { config, reason } = select(facts, cpu, force(path));
    expect(config.tile.path).toBe(path);
    expect(reason).toContain(`forced: ${path} tiles`);
  });

  it('decode packs the heads of a group, at any length', () => {
    const { config } = select(facts, cpu, force('decode'));
    expect(config.rows).toBe('group');
    expect(config.tile.path).toBe('decode');
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

describe('the decode path', () => {
  const gpu = devices['a GPU with subgroups of 32']!;
  const step = { ...facts, seqlenQ: 1 } as const;
  const tileOn = (on: Capabilities, change: Partial<ProblemFacts> = {}): TileConfig =>
    select({ ...step, ...change }, on).config.tile;

  it('is the default for few rows on a GPU, with or without subgroups', () => {
    for (const name of [
      'WebGPU defaults',
      'a GPU with subgroups of 8 to 32',
      'a GPU with matrices',
    ])
      expect(tileOn(devices[name]!).path, name).toBe('decode');
    for (const name of ['a fallback adapter without subgroups', 'a CPU with subgroups of 8'])
      expect(tileOn(devices[name]!).path, name).not.toBe('decode');
  });

  it('has as many rows as a group, up to 8, and with a fixed numSplits counts no positions', () => {
    const rowsOf = (change: Partial<ProblemFacts>): unknown => tileOn(gpu, change);
    expect(rowsOf({ qHeads: 2 })).toMatchObject({ rows: 1 });
    expect(rowsOf({ qHeads: 6 })).toMatchObject({ rows: 4 });
    expect(rowsOf({ qHeads: 32 })).toMatchObject({ rows: 8 });
    expect(rowsOf({ qHeads: 2, seqlenQ: 4 })).toMatchObject({ rows: 4 });
    expect(rowsOf({ qHeads: 2, seqlenQ: 4, numSplits: 2 })).toMatchObject({ rows: 1 });
  });

  it('leaves what a gradient follows to paths that sum scores in its order', () => {
    const { config, reason } = select({ ...step, keepsStates: true }, gpu);
    expect(config).toMatchObject({ rows: 'group', tile: { path: 'portable' } });
    expect(reason).toContain(
      'not decode: a gradient needs scores that are summed in its own order',
    );
    expect(select({ ...step, keepsStates: true }, gpu, force('decode')).config).toEqual(config);
  });

  it('loads a row 16 bytes a lane, and shuffles as far as every subgroup reaches', () => {
    const narrow = devices['a GPU with subgroups of 8 to 32']!;
    const halves = { dtype: 'f16', kvDtype: 'f16', headDim: 128, headDimV: 128 } as const;
    expect(tileOn(gpu, halves)).toMatchObject({ lanes: 16, keysPerLane: 8, shuffled: 16 });
    expect(tileOn(narrow, halves)).toMatchObject({ lanes: 16, keysPerLane: 8, shuffled: 8 });
    expect(tileOn(gpu)).toMatchObject({ lanes: 16, keysPerLane: 8, shuffled: 16 });
    expect(tileOn(gpu, { ...halves, qHeads: 16 })).toMatchObject({ rows: 8, keysPerLane: 4 });
    expect(tileOn(gpu, { headDim: 256, headDimV: 256 })).toMatchObject({
      lanes: 32,
      keysPerLane: 4,
    });
    expect(tileOn(gpu, { headDim: 5, headDimV: 3 })).toMatchObject({ lanes: 4 });
  });
});

describe('the path of integers', () => {
  const pages = { dtype: 'f16', lengths: 'varlen', keys: 'paged', seqlenQ: 1 } as const;
  const step = { ...facts, ...pages, kvDtype: 'int8', headDim: 128, headDimV: 128 } as const;
  const gpu = { ...devices['a GPU with subgroups of 32']!, integerDots: true };

  it('is never the default, since it rounds q', () => {
    expect(select(step, gpu).config.tile).toMatchObject({ path: 'decode', lanes: 16 });
  });

  it('has the tiles of the decode path, and needs integers and their products', () => {
    const { config, reason } = select(step, gpu, force('integers'));
    expect(config.tile).toEqual({ ...select(step, gpu).config.tile, path: 'integers' });
    expect(config.rows).toBe('group');
    expect(reason).toContain('forced: integers tiles of 4 × ');
    const without = select(step, { ...gpu, integerDots: false }, force('integers'));
    expect(without.config.tile.path).toBe('decode');
    expect(without.reason).toContain('not integers: the device has no products of packed integers');
    const floats = select({ ...step, kvDtype: 'f16' }, gpu, force('integers'));
    expect(floats.config.tile.path).toBe('decode');
    expect(floats.reason).toContain('not integers: its keys are not integers');
  });

  it('is taken by an entry, whatever the lengths', () => {
    const fixed = { ...step, numSplits: 2 } as const;
    const entry = { ...select(fixed, gpu, force('integers')).config.tile };
    const entries = { [problemKey(fixed, 'group')]: entry };
    for (const maxSeqlenK of [1, 100, 100_000]) {
      const { config } = select({ ...fixed, maxSeqlenK }, gpu, { version: 1, entries });
      expect(config.tile).toEqual(entry);
    }
  });
});

describe('the reason of a selection', () => {
  it('names path, tile and splits', () => {
    const { reason, config } = select(facts, devices['WebGPU defaults']!);
    const { tileM, tileN } = tileShape(config.tile);
    expect(reason).toBe(
      `prefill, default for class unknown GPU: portable tiles of ${tileM} × ${tileN}, keys not split`,
    );
  });

  it('says why a better path was passed over', () => {
    const odd = capabilities({ subgroups: { min: 4, max: 8 }, isFallbackAdapter: true });
    const { reason, config } = select({ ...facts, seqlenQ: 1, numSplits: 3 }, odd);
    expect(config.tile.path).toBe('portable');
    expect(reason).toMatch(/^decode, .*; not subgroup: .*4 to 8 lanes.*, keys in 3 splits$/);
  });
});

describe('the portable tile', () => {
  const rows = (dim: number, on = capabilities()): number[] => {
    const problem = { ...facts, headDim: dim, headDimV: dim, numSplits: 1 } as const;
    const tiles = [
      select(problem, on).config.tile,
      selectBackward(problem, 'q', on).tile,
      selectBackward(problem, 'kv', on).tile,
    ];
    expect(tiles.map(tileShape)).toEqual(tiles.map(() => ({ tileM: 32, tileN: 32 })));
    return tiles.map((tile) => (tile.path === 'portable' ? tile.rowsPerThread : 0));
  };

  it('has as many rows per thread as registers hold accumulators of the head dim', () => {
    expect(rows(64)).toEqual([4, 4, 4]);
    expect(rows(128)).toEqual([4, 4, 4]);
    expect(rows(256)).toEqual([4, 4, 4]);
    expect(rows(512)).toEqual([2, 2, 2]);
    expect(rows(576)).toEqual([2, 2, 2]);
  });

  it('has fewer where a lane has fewer registers', () => {
    const by = (vendor: string): Capabilities => {
      const on = capabilities();
      return { ...on, adapter: { ...on.adapter, vendor } };
    };
    expect(rows(64, by('apple'))).toEqual([4, 4, 4]);
    expect(rows(128, by('apple'))).toEqual([4, 4, 2]);
    expect(rows(256, by('apple'))).toEqual([2, 2, 1]);
    expect(rows(64, by('intel'))).toEqual([4, 4, 2]);
    expect(rows(128, by('intel'))).toEqual([2, 2, 1]);
    expect(rows(64, by('arm'))).toEqual([2, 2, 1]);
    expect(rows(128, by('arm'))).toEqual([1, 1, 1]);
  });

  it('has a workgroup each for dk and dv where a thread cannot hold both', () => {
    const workgroups = (dim: number, dimV: number, on = capabilities()): number => {
      const dims = { headDim: dim, headDimV: dimV };
      const { tile } = selectBackward({ ...facts, ...dims }, 'kv', on);
      return gradientWorkgroups({ of: 'kv', tile, ...dims });
    };
    expect(workgroups(128, 128)).toBe(1);
    expect(workgroups(192, 96)).toBe(1);
    expect(workgroups(192, 128)).toBe(2);
    expect(workgroups(512, 512)).toBe(2);
    expect(workgroups(576, 8)).toBe(2);
    expect(workgroups(512, 512, capabilities({ isFallbackAdapter: true }))).toBe(1);
    const { tile } = selectBackward({ ...facts, headDim: 512, headDimV: 512 }, 'q', capabilities());
    expect(gradientWorkgroups({ of: 'q', tile, headDim: 512, headDimV: 512 })).toBe(1);
  });

  it('has 4 rows per thread where loops are bounded by parameters', () => {
    expect(rows(256, capabilities({ isFallbackAdapter: true }))).toEqual([4, 4, 4]);
  });
});
