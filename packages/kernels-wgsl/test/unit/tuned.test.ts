import type { Capabilities, Tuning, TuningEntry } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { softcap } from '../../src/host/options/softcap-option.ts';
import { gradientKey, type ProblemFacts, problemKey } from '../../src/select/problem-facts.ts';
import { select, selectBackward, type Selection } from '../../src/select/selection.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import { capabilities, devices, facts, kinds, sizes, splitCounts } from './facts.ts';

const gpu = devices['a GPU with subgroups of 32']!;
const portable = { path: 'portable', threadsM: 16, rowsPerThread: 2, unroll: false } as const;
const subgroup = {
  path: 'subgroup',
  subgroupSize: 32,
  rowsPerLane: 2,
  keysPerLane: 2,
  branches: false,
} as const;
const step: ProblemFacts = { ...facts, seqlenQ: 1, maxSeqlenK: 4096 };

function tuningFor(some: ProblemFacts, entry: unknown): Tuning {
  const { rows } = select(some, gpu).config;
  return { version: 1, entries: { [problemKey(some, rows)]: entry as TuningEntry } };
}

function tuned(some: ProblemFacts, entry: unknown, on: Capabilities = gpu): Selection {
  return select(some, on, tuningFor(some, entry));
}

describe('an entry of the tuning', () => {
  it.for([portable, subgroup])('is taken for its problem: %o', (entry) => {
    const { config, reason } = tuned(facts, entry);
    expect(config.tile).toEqual(entry);
    expect(reason).toMatch(
      /^prefill, tuned: (portable|subgroup) tiles of \d+ × \d+, keys not split$/,
    );
  });

  it('is not taken for another problem, and the reason says so', () => {
    const other = { ...facts, headDim: 32 };
    const { config, reason } = select(other, gpu, tuningFor(facts, portable));
    expect(config).toEqual(select(other, gpu).config);
    expect(reason).toContain('default for class ');
    expect(reason).toContain('; not tuned: no entry for this problem, ');
  });

  it('survives JSON', () => {
    const tuning = tuningFor(facts, portable);
    const again = JSON.parse(JSON.stringify(tuning)) as Tuning;
    expect(select(facts, gpu, again)).toEqual(select(facts, gpu, tuning));
  });

  it('yields to a forced path', () => {
    const tuning: Tuning = { ...tuningFor(facts, subgroup), force: { path: 'portable' } };
    const { config, reason } = select(facts, gpu, tuning);
    expect(config.tile.path).toBe('portable');
    expect(reason).toContain('forced: portable');
  });

  it('brings fields of its path and no others into the kernel', () => {
    expect(tuned(facts, { ...portable, note: 'x' }).config.tile).toEqual(portable);
  });
});

describe('splits of an entry', () => {
  it("are taken with 'auto' and few rows", () => {
    expect(tuned(step, { ...portable, splits: 5 }).splits).toBe(5);
    expect(tuned(step, portable).splits).toBe(select(step, gpu, tuningFor(step, portable)).splits);
  });

  it('never override a numSplits that was asked for, nor split a prefill', () => {
    const asked = { ...step, numSplits: 3 };
    expect(tuned(asked, { ...portable, splits: 5 }).splits).toBe(3);
    expect(tuned(facts, { ...portable, splits: 5 }).splits).toBe(1);
  });
});

describe('an entry that this device cannot run', () => {
  it.for([
    [capabilities(), 'the device has no subgroups'],
    [devices['a CPU with subgroups of 8']!, 'the tile is for subgroups of 32'],
  ] as const)('gives way to the default, with the reason', ([on, reason]) => {
    const chosen = tuned(facts, subgroup, on);
    expect(chosen.config).toEqual(select(facts, on).config);
    expect(chosen.reason).toContain('default for class ');
    expect(chosen.reason).toContain(`; not the tuned subgroup: ${reason}`);
  });

  it('so does a portable one that is too large', () => {
    const { reason } = tuned(facts, { ...portable, threadsM: 64 });
    expect(reason).toMatch(/not the tuned portable: its tiles take \d+ bytes/);
  });
});

describe('an entry that no tuner wrote', () => {
  it.for<[unknown, string]>([
    [{ ...portable, path: 'tensor' }, "path is 'tensor'"],
    [{}, 'path is undefined'],
    [null, 'path is undefined'],
    ['portable', 'path is undefined'],
    [{ ...portable, threadsM: '8' }, "threadsM is '8'"],
    [{ ...portable, threadsM: 8.5 }, 'threadsM is 8.5'],
    [{ ...portable, threadsM: 0 }, 'threadsM is 0'],
    [{ ...portable, rowsPerThread: 1e9 }, 'rowsPerThread is 1000000000'],
    [{ ...portable, unroll: 1 }, 'unroll is 1'],
    [{ path: 'portable', threadsM: 8 }, 'rowsPerThread is undefined'],
    [{ ...portable, splits: 0 }, 'splits is 0'],
  ])('is passed over with the reason: %o', ([entry, reason]) => {
    const chosen = tuned(facts, entry);
    expect(chosen.config).toEqual(select(facts, gpu).config);
    expect(chosen.reason).toContain(`; tuned entry not used: ${reason}`);
  });

  it('does not come from a prototype', () => {
    const entries = Object.create({ [problemKey(facts, 'head')]: portable }) as Tuning['entries'];
    expect(select(facts, gpu, { version: 1, entries: entries! }).reason).toContain('no entry');
  });
});

describe('a tuning of an adapter', () => {
  const { vendor, architecture, device, description } = gpu.adapter;
  const adapter = { vendor, architecture, device, description };

  it('is used on it', () => {
    const tuning = { ...tuningFor(facts, portable), adapter };
    expect(select(facts, gpu, tuning).config.tile).toEqual(portable);
  });

  it.for(['vendor', 'architecture', 'device', 'description'] as const)(
    'is not used on one with another %s, and the reason names both',
    (name) => {
      const tuning = { ...tuningFor(facts, portable), adapter: { ...adapter, [name]: 'other' } };
      const { config, reason } = select(facts, gpu, tuning);
      expect(config).toEqual(select(facts, gpu).config);
      expect(reason).toMatch(/; tuning not used: made on '[^']*other[^']*', not 'made up, /);
    },
  );
});

describe('with a fixed numSplits, a tuned selection', () => {
  it('never looks at a batch size or a length, whatever the entries', () => {
    const entry = fc.constantFrom(portable, { ...portable, splits: 7 }, subgroup, {});
    const property = fc.property(
      kinds,
      splitCounts,
      entry,
      fc.array(sizes, { maxLength: 4 }),
      sizes,
      sizes,
      (k, numSplits, what, measured, a, b) => {
        // Measured at some sizes, with a fixed number of splits and with 'auto'.
        const entries = Object.fromEntries(
          measured.flatMap((size) =>
            [numSplits, 'auto' as const].map((n) => {
              const some = { ...k, ...size, numSplits: n };
              return [problemKey(some, select(some, gpu).use), what];
            }),
          ),
        );
        const tuning = { version: 1, entries: entries as Record<string, TuningEntry> } as const;
        const one = select({ ...k, ...a, numSplits }, gpu, tuning);
        expect(select({ ...k, ...b, numSplits }, gpu, tuning)).toEqual(one);
        expect(one.splits).toBe(numSplits);
      },
    );
    fc.assert(property);
  });
});

const gradientTuning = (of: 'q' | 'kv', entry: unknown): Tuning => ({
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
    const selection = selectBackward(facts, of, gpu, gradientTuning(of, entry));
    expect(selection.tile).toEqual(entry);
    expect(selection.reason).toMatch(reason);
  });

  it('is not taken for another kernel, nor for tables', () => {
    for (const of of ['kv', 'tables'] as const) {
      const { tile } = selectBackward(facts, of, gpu, gradientTuning('q', subgroup));
      expect(tile).toEqual(selectBackward(facts, of, gpu).tile);
    }
    const { reason } = selectBackward(facts, 'kv', gpu, gradientTuning('q', subgroup));
    expect(reason).toContain('not tuned: no entry for this problem');
  });

  it('of a path without backward kernels is passed over with the reason', () => {
    const decode = { ...portable, path: 'decode' };
    const { tile, reason } = selectBackward(facts, 'q', gpu, gradientTuning('q', decode));
    expect(tile).toEqual(selectBackward(facts, 'q', gpu).tile);
    expect(reason).toContain("tuned entry not used: path is 'decode'");
  });

  it('that this device cannot run gives way to the default, with the reason', () => {
    const cpu = devices['a CPU with subgroups of 8']!;
    const { tile, reason } = selectBackward(facts, 'q', cpu, gradientTuning('q', subgroup));
    expect(tile).toEqual(selectBackward(facts, 'q', cpu).tile);
    expect(reason).toContain('not the tuned subgroup: the tile is for subgroups of 32');
  });

  it('yields to a forced path', () => {
    const tuning: Tuning = { ...gradientTuning('q', subgroup), force: { path: 'portable' } };
    expect(selectBackward(facts, 'q', gpu, tuning).reason).toContain('forced: portable');
  });
});
