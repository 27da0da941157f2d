import { type Tuning, UnsupportedError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { select, selectBackward } from '../../src/select/selection.ts';
import { tileShape } from '../../src/text/tiles/tile-paths.ts';
import { devices, facts } from './facts.ts';

const force = (path: string): Tuning => ({
  version: 1,
  force: { path },
});

describe('the matrix path', () => {
  const halves = { ...facts, dtype: 'f16', kvDtype: 'f16' } as const;
  const gpu = devices['a GPU with matrices']!;
  const cpu = devices['a CPU with matrices']!;

  it('is the default for f16 on a GPU that was opened with the feature, with the largest matrices', () => {
    const { tile } = select(halves, gpu).config;
    expect(tile).toMatchObject({ path: 'matrix', M: 16, N: 16, K: 16, unroll: true });
    expect(select(halves, { ...gpu, subgroupMatrix: [] }).config.tile.path).toBe('portable');
  });

  it('leaves decode to others, and everything on a CPU, unless forced', () => {
    const step = { ...halves, seqlenQ: 1 };
    expect(select(step, gpu).config).toMatchObject({ rows: 'group', tile: { path: 'decode' } });
    expect(select(halves, cpu).config.tile.path).toBe('subgroup');
    expect(select(step, gpu, force('matrix')).config.tile.path).toBe('matrix');
    expect(select(halves, cpu, force('matrix')).config.tile).toMatchObject({
      path: 'matrix',
      M: 8,
    });
  });

  it('forced, leaves what it cannot do to others, and says why', () => {
    const { config, reason } = select(facts, gpu, force('matrix'));
    expect(config.tile.path).toBe('portable');
    expect(reason).toMatch(/not matrix: .*which would round q=f32 kv=f32/);
    expect(reason.match(/not matrix/g)).toHaveLength(1);
    const gradient = selectBackward(facts, 'q', gpu, force('matrix'));
    expect(gradient.tile).toEqual(selectBackward(facts, 'q', gpu).tile);
    expect(gradient.reason).toMatch(/^dq, forced: portable .*; not matrix: .*would round q=f32/);
  });

  it('computes the gradients of f16 by default, and leaves those of tables to others', () => {
    const roomy = devices['a GPU with matrices and subgroups of 32 or 64']!;
    for (const of of ['q', 'kv'] as const) {
      const { tile, reason } = selectBackward(halves, of, roomy);
      expect(tile).toMatchObject({ path: 'matrix', M: 16, sharing: 2, isPinned: true });
      expect(reason).toMatch(/default for class unknown GPU: matrix tiles of 64 × 32/);
      const small = { ...halves, headDim: 16, headDimV: 16 };
      expect(selectBackward(small, of, cpu).tile.path).toBe('subgroup');
      expect(selectBackward(small, of, cpu, force('matrix')).tile.path).toBe('matrix');
    }
    for (const tuning of [undefined, force('matrix')]) {
      const { tile, reason } = selectBackward(halves, 'tables', roomy, tuning);
      expect(tile.path).toBe('portable');
      expect(reason).toMatch(/^gradients of tables, .*; not matrix: .* added pair by pair/);
    }
  });

  it('leaves gradients of large head dims and of small workgroup memory to others', () => {
    const roomy = devices['a GPU with matrices and subgroups of 32 or 64']!;
    const large = { ...halves, headDim: 256, headDimV: 256 };
    expect(selectBackward(large, 'kv', roomy)).toMatchObject({
      tile: { path: 'portable' },
      reason: expect.stringMatching(/not matrix: a thread would keep \d+ registers/),
    });
    expect(selectBackward(halves, 'q', gpu)).toMatchObject({
      tile: { path: 'portable' },
      reason: expect.stringMatching(/not matrix: its tiles take \d+ bytes of workgroup memory/),
    });
  });

  it('takes fewer rows where workgroup memory is short, and says so', () => {
    const { config, reason } = select(halves, gpu);
    expect(config.tile).toMatchObject({ path: 'matrix', subgroups: 2, rowBlocks: 1 });
    expect(reason).toMatch(
      /^prefill, default for class unknown GPU: matrix tiles of 32 × 32; not larger ones: .*its tiles take/,
    );
  });

  it('takes fewer rows where the head dim is large, never where lengths are', () => {
    const roomy = devices['a GPU with matrices and subgroups of 32 or 64']!;
    const rows = (headDim: number): number =>
      tileShape(select({ ...halves, headDim, headDimV: headDim }, roomy).config.tile).tileM;
    expect([64, 96, 128, 160, 256].map(rows)).toEqual([128, 64, 64, 64, 32]);
    expect(rows(576), 'which is left to the portable path').toBe(32);
  });

  it('leaves q in memory where a kept half takes a whole register', () => {
    const several = devices['a GPU with matrices and subgroups of 32 or 64']!;
    const amd = { ...several, adapter: { ...several.adapter, vendor: 'amd' } };
    const large = { ...halves, headDim: 128, headDimV: 128 };
    expect(select(large, several).config.tile).toMatchObject({ keepsRows: true });
    expect(select(large, amd).config.tile).toMatchObject({ path: 'matrix', keepsRows: false });
  });

  it('fixes the subgroup size where there are several, and is not taken where it cannot', () => {
    const several = devices['a GPU with matrices and subgroups of 32 or 64']!;
    const { tile } = select(halves, several).config;
    expect(tile).toMatchObject({ path: 'matrix', subgroupSize: 32, isPinned: true });
    const { config, reason } = select(
      halves,
      { ...several, subgroupSizeControl: false },
      force('matrix'),
    );
    expect(config.tile.path).toBe('portable');
    expect(reason).toContain('subgroups have 32 to 64 lanes here, and a kernel cannot fix');
  });

  it('multiplies every type in f32 where that is what the device offers', () => {
    const apple = devices['a GPU with matrices of f32']!;
    const f32 = { path: 'matrix', components: 'f32', M: 8 };
    expect(select(facts, apple).config.tile).toMatchObject(f32);
    expect(select(halves, apple).config.tile).toMatchObject(f32);
    expect(select({ ...facts, kvDtype: 'int8', keys: 'paged' }, apple).config.tile).toMatchObject(
      f32,
    );
    expect(select({ ...halves, keepsStates: true }, apple).config.tile).toMatchObject(f32);
    expect(selectBackward(halves, 'kv', apple).tile).toMatchObject(f32);
  });

  it('leaves gradients in f32 to kernels that sum scores in the order of the forward pass', () => {
    const apple = devices['a GPU with matrices of f32']!;
    const why = 'gradients in f32 need scores that all kernels sum in one order';
    for (const types of [{}, { kvDtype: 'f16' }, { dtype: 'f16' }] as const) {
      const mixed = { ...facts, ...types, keepsStates: true };
      expect(select(mixed, apple).reason).toContain(why);
      expect(selectBackward(mixed, 'q', apple)).toMatchObject({
        tile: { path: 'portable' },
        reason: expect.stringContaining(why),
      });
    }
  });

  it('is refused, by force, on a device without matrices', () => {
    const run = (): unknown => select(halves, devices['WebGPU defaults']!, force('matrix'));
    expect(run).toThrow(UnsupportedError);
    expect(run).toThrow(
      'no matrix kernel can run on this device; not matrix: the device has no subgroup matrices',
    );
  });
});
