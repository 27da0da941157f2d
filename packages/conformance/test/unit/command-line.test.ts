import type { ConformanceReport } from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/command-line.ts';
import { adapterLine, caseLine, comparisonText, summary } from '../../src/cli/report-text.ts';

describe('parseCommand', () => {
  it('reads every option', () => {
    const args =
      '--filter seqused --filter lse --tier full --dtype f16 --tag browser --json r.json --compare s.json --minimal --path portable --engine naga -v'.split(
        ' ',
      );
    expect(parseCommand(args)).toMatchObject({
      selection: { filter: ['seqused', 'lse'], tier: 'full', dtype: 'f16', tag: 'browser' },
      json: 'r.json',
      compare: 's.json',
      minimal: true,
      path: 'portable',
      engine: 'naga',
      verbose: true,
    });
  });

  it('defaults to all quick cases', () => {
    expect(parseCommand([])).toMatchObject({
      selection: { tier: 'quick' },
      list: false,
      minimal: false,
    });
  });

  it.each([
    [['--tier', 'slow'], 'quick, full'],
    [['--dtype', 'f64'], 'f32, f16'],
    [['--engine', 'servo'], 'naga, firefox, chromium'],
    [['--wings'], 'wings'],
    [['seqused'], 'seqused'],
  ])('refuses %j', (args, mention) => {
    expect(parseCommand(args)).toMatchObject({ error: expect.stringContaining(mention) });
  });
});

const capabilities = {
  adapter: {
    vendor: 'mesa',
    architecture: '',
    device: '',
    description: 'llvmpipe',
    isFallbackAdapter: true,
  },
  f16: true,
  subgroups: { min: 8, max: 8 },
  limits: { maxComputeWorkgroupStorageSize: 32768 },
} as ConformanceReport['capabilities'];

const passed = {
  id: 'lse/dense/f32',
  status: 'pass',
  ms: 12.4,
  error: 1e-7,
  budget: 4e-7,
} as const;
const failed = { id: 'lse/paged/f32', status: 'fail', ms: 3, report: 'first\nsecond' } as const;

describe('text of the command', () => {
  it('names the adapter', () => {
    expect(adapterLine(capabilities)).toBe(
      'adapter: mesa, llvmpipe; shader-f16 yes; subgroups 8; workgroup memory 32768 bytes\n',
    );
    expect(adapterLine({ ...capabilities, subgroups: undefined })).toContain('subgroups no');
    expect(adapterLine({ ...capabilities, subgroups: { min: 4, max: 128 } })).toContain(
      'subgroups 4…128',
    );
  });

  it('prints a failure with its table, a pass only when asked, a count now and then', () => {
    const at = (done: number, last: typeof passed | typeof failed, verbose = false): string =>
      caseLine({ done, total: 120, last }, verbose);
    expect(at(7, failed)).toBe('  7/120 fail        lse/paged/f32  3 ms\n    first\n    second\n');
    expect(at(7, passed)).toBe('');
    expect(at(50, passed)).toBe(' 50/120\n');
    expect(at(7, passed, true)).toBe(
      '  7/120 pass        lse/dense/f32  12 ms  error 1.0e-7 of 4.0e-7\n',
    );
  });

  it('ends with the verdict', () => {
    const counts = { pass: 1, fail: 1, unsupported: 0 };
    const text = summary({ capabilities, counts, pipelines: 9, ms: 15.4, cases: [passed, failed] });
    expect(text).toContain('lse                     2 cases  0.0 s');
    expect(text.trimEnd().split('\n').at(-1)).toBe(
      '1 passed, 1 failed, 0 unsupported; 9 pipelines; 0.0 s',
    );
  });

  it('names the outputs that differ from a stored report', () => {
    const comparison = {
      compared: 3,
      differing: [{ id: 'lse/dense/f32', outputs: ['out', 'lse#2'] }],
      added: ['lse/new/f32'],
      missing: [],
    };
    expect(comparisonText(comparison)).toBe(
      '  differs  lse/dense/f32: out, lse#2\n  new  lse/new/f32\n' +
        'outputs: 2 of 3 cases equal the stored report bit for bit, 1 differ; 1 new, 0 not run\n',
    );
  });
});
