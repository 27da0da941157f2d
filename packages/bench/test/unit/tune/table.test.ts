import type { TuneReport } from '@heed/kernels-wgsl';
import { describe, expect, test } from 'vitest';
import { renderCandidates, renderReport } from '../../../src/tune/table.ts';

const small = { path: 'portable', threadsM: 8, rowsPerThread: 1, unroll: true };
const large = { ...small, threadsM: 16 };
const report: TuneReport = {
  key: 'the key',
  source: 'timestamp',
  chosen: large,
  candidates: [
    { entry: small, status: 'timed', compileMs: 120, ms: 2, ratio: 1 },
    { entry: { ...small, threadsM: 4 }, status: 'wrong', reason: 'element 3 is 0', compileMs: 100 },
    { entry: { ...small, threadsM: 32 }, status: 'skipped', reason: 'no time left' },
    { entry: large, status: 'timed', compileMs: 80, ms: 1.5, ratio: 0.75, isSteady: true },
  ],
};

describe('renderReport', () => {
  const lines = renderReport(report, ['prefill', 'another']).split('\n');

  test('names the problems, the clock and the key', () => {
    expect(lines.slice(0, 2)).toEqual(['prefill, another (time on the GPU)', 'the key']);
  });

  test('lists the fastest first, and says which was chosen and which is the default', () => {
    expect(lines[3]).toMatch(
      /^ {2}portable threadsM=16 rowsPerThread=1 unroll=true +0\.750× +1\.500 +0\.08 s {2}chosen$/,
    );
    expect(lines[4]).toMatch(/threadsM=8 .* 1\.000× +2\.000 +0\.12 s {2}the default$/);
  });

  test('says why the others were not timed', () => {
    expect(lines[5]).toMatch(/threadsM=4 .* — +— +0\.10 s {2}WRONG: element 3 is 0$/);
    expect(lines[6]).toMatch(/threadsM=32 .* — +— +— {2}skipped: no time left$/);
  });

  test('says what may be chance', () => {
    const lucky = { ...report.candidates[3]!, isSteady: false };
    const text = renderReport({ ...report, spread: 1.5, candidates: [lucky] }, ['x']);
    expect(text).toContain('chosen, the default, not steady');
    expect(text).toContain("BUSY MACHINE: the default's own time varied by 1.50×");
  });

  test('gives no clock where nothing was timed', () => {
    const { source: _, chosen: __, ...rest } = report;
    expect(renderReport(rest, ['x'])).toMatch(/^x\nthe key\n/);
  });
});

test('renderCandidates lists what would be timed, and what cannot', () => {
  const tile = { path: 'portable', threadsM: 8, rowsPerThread: 1, unroll: true } as const;
  const text = renderCandidates('decode', {
    key: 'the key',
    tiles: [tile, { ...tile, threadsM: 16 }],
    splits: [1, 2],
    refused: [{ tile: { ...tile, threadsM: 64 }, reason: 'too large' }],
  });
  expect(text.split('\n')).toEqual([
    'decode',
    'the key',
    '  portable threadsM=8 rowsPerThread=1 unroll=true  the default',
    '  portable threadsM=16 rowsPerThread=1 unroll=true',
    '  then the best of them with splits=1, 2',
    '  not portable threadsM=64 rowsPerThread=1 unroll=true: too large',
    '',
  ]);
});
