import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gpu } from '@heed/core';
import type { TuneReport } from '@heed/kernels-wgsl';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseOptions, presets, problemsOf, toTune, usage } from '../../src/tune/tune-problems.ts';
import { renderCandidates, renderReport } from '../../src/tune/tune-report.ts';

describe('parseOptions of the tuner', () => {
  test('tunes all presets by default', () => {
    const options = parseOptions([]);
    expect([...options.problems]).toEqual(Object.entries(presets));
    expect(options).toMatchObject({ json: false, dryRun: false, out: '.cache/bench/tuning.json' });
    for (const name of Object.keys(presets)) expect(usage).toContain(name);
  });

  test('takes presets by name and problems as JSON', () => {
    const json = '{"layout":"dense","q":[1,8,4,32],"k":[1,8,4,32]}';
    const args = ['--problem', 'decode-f16', '--problem', json, '--seconds', '9'];
    const { problems, seconds } = parseOptions(args);
    expect([...problems.keys()]).toEqual(['decode-f16', json]);
    expect(problems.get('decode-f16')).toBe(presets['decode-f16']);
    expect(problems.get(json)).toEqual({ layout: 'dense', q: [1, 8, 4, 32], k: [1, 8, 4, 32] });
    expect(seconds).toBe(9);
  });

  test('takes a file of problems in place of the presets, or beside those named', () => {
    const own = parseOptions(['--module', 'mine.ts']);
    expect([own.module, own.problems.size]).toEqual(['mine.ts', 0]);
    const both = parseOptions(['--module', 'mine.ts', '--problem', 'decode-f32']);
    expect([...both.problems.keys()]).toEqual(['decode-f32']);
  });

  test('names the flag, what it got and what it takes', () => {
    expect(() => parseOptions(['--problem', 'decode'])).toThrow(
      /^--problem: takes a preset \(prefill-f32, .*\) or JSON; got decode\.$/,
    );
    expect(() => parseOptions(['--problem', 'toString'])).toThrow('got toString.');
    expect(() => parseOptions(['--rounds', '0'])).toThrow('--rounds: takes a whole number ≥ 1');
    expect(() => parseOptions(['--tile', 'x'])).toThrow('--tile');
  });
});

const gpu = { label: 'a Gpu' } as Gpu;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-problems-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test('problems with mods are compiled for the tuner, others go as they are', () => {
  const plain = presets['prefill-f32']!;
  expect(toTune(plain)).toBe(plain);
  const [mask, score] = ['flex-causal-f32', 'flex-softcap-training-f32'].map((name) =>
    toTune(presets[name]!),
  );
  const compiled = { callOf: expect.any(Function) };
  expect(mask).toMatchObject({ ...compiled, problem: presets['flex-causal-f32'] });
  expect(score).toMatchObject({ ...compiled, problem: presets['flex-softcap-training-f32'] });
});

test('a file gives problems by name, or makes them of the Gpu', async () => {
  const plain = await file('plain.mjs', "export default { mine: { layout: 'dense' } };");
  expect(await problemsOf(plain, gpu)).toEqual({ mine: { layout: 'dense' } });
  const made = await file('made.mjs', 'export default (gpu) => ({ [gpu.label]: {} });');
  expect(await problemsOf(made, gpu)).toEqual({ 'a Gpu': {} });
});

test('a file without problems is refused, with what it must export', async () => {
  const empty = await file('empty.mjs', 'export const other = 1;');
  await expect(problemsOf(empty, gpu)).rejects.toThrow(/empty\.mjs must export by default/);
  await expect(problemsOf(join(folder, 'none.mjs'), gpu)).rejects.toThrow(/^--module: .*none\.mjs/);
});

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
