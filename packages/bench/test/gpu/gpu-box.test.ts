import { bareVars, testGpu, testTier } from '@heed/testing';
import { describe, expect, it, test } from 'vitest';
import { runBox } from '../../src/gpu-box/box.ts';
import { filled } from '../../src/gpu-box/fill.ts';
import { fillSource } from '../../src/gpu-box/fill.wgsl.ts';
import { renderMarkdown } from '../../src/gpu-box/markdown.ts';
import { valuesFrom } from '../../src/gpu-box/values.ts';

describe('filled', () => {
  it.each([[[5, 4]], [[2, 300_000]]])('writes the numbers of valueAt: %j', async (shape) => {
    using tensor = filled(await testGpu(), 'q', shape);
    const count = shape.reduce((a, b) => a * b);
    expect(await tensor.read()).toEqual(valuesFrom('q', 0, count));
  });

  it.runIf(testTier() === 'gpu-minimal')('refuses rows that a device pads', async () => {
    const gpu = await testGpu();
    expect(() => filled(gpu, 'q', [5, 3])).toThrow(/got \[5,3\].*even last dimension/);
  });

  it('every variable has a value from the start', () => {
    expect(bareVars(fillSource.code)).toEqual([]);
  });
});

// It opens a device of its own, with all that the adapter has, so once is enough.
const here = ['gpu-node', 'gpu'].includes(testTier());
test.runIf(here)('the whole run at its smallest, without PyTorch', async () => {
  const options = {
    size: 'smallest',
    cases: undefined,
    conformance: true,
    peer: 'none',
    python: 'python3',
  } as const;
  const context = { signal: new AbortController().signal, progress: () => {} };
  const report = await runBox(options, context);
  expect(report.cases.length).toBeGreaterThan(4);
  for (const { heed } of report.cases) expect(heed).toMatchObject({ right: true });
  expect(report.conformance).toMatchObject([{ counts: { fail: 0 } }]);
  expect(report.conformance[0]!.counts.pass).toBeGreaterThan(0);
  expect(renderMarkdown(report)).toContain('not measured (left out by --peer none)');
});
