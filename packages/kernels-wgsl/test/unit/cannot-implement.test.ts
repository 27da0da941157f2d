import type { Capabilities } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import type { ForwardConfig } from '../../src/text/tiles/kernel-config.ts';
import { matrixBytes, type MatrixTile } from '../../src/text/tiles/matrix-tile.ts';
import { type PortableTile, portableBytes } from '../../src/text/tiles/portable-tile.ts';
import type { SubgroupTile } from '../../src/text/tiles/subgroup-tile.ts';
import {
  cannotImplement,
  cannotImplementGradient,
  type TileConfig,
  tileShape,
} from '../../src/text/tiles/tile-paths.ts';
import { capabilities, matrices } from './facts.ts';
import { plain } from './kernel-configs.ts';

const portable: PortableTile = {
  path: 'portable',
  threadsM: 8,
  rowsPerThread: 4,
  unroll: false,
};
const matrix: MatrixTile = { ...portable, path: 'matrix', M: 8, N: 16, K: 16 };
const subgroup: SubgroupTile = {
  path: 'subgroup',
  subgroupSize: 8,
  rowsPerLane: 4,
  keysPerLane: 4,
  branches: false,
};

const forwardRefusal = (tile: TileConfig, on: Capabilities): string | undefined =>
  cannotImplement({ ...plain, tile }, on);
const gradientRefusal = (tile: TileConfig, on: Capabilities): string | undefined =>
  cannotImplementGradient({ ...plain, tile }, on);

/** Bytes of each workgroup array, by its declaration; what the text itself states must be the same. */
function declaredBytes(config: ForwardConfig): number[] {
  const sizes = { 'vec4<f32>': 16, 'vec4<f16>': 8, f32: 4 };
  const { code } = forwardSource(config);
  const declared = [...code.matchAll(/var<workgroup> \w+: array<([\w<>]+), (\d+)>/g)];
  const bytes = declared.map((m) => sizes[m[1] as keyof typeof sizes] * Number(m[2]));
  const stated = [...code.matchAll(/>; \/\/ (\d+) bytes/g)].map((m) => Number(m[1]));
  expect(stated).toEqual(bytes);
  return bytes;
}

describe('the portable path', () => {
  it.for([1, 2, 4] as const)(
    'counts the workgroup bytes that its text declares, with %i rows a thread',
    (rowsPerThread) => {
      const tile = { ...portable, rowsPerThread };
      const bytes = declaredBytes({ ...plain, tile });
      expect(bytes.reduce((a, b) => a + b)).toBe(portableBytes(tile));
    },
  );

  it('fits the default limits', () => {
    expect(forwardRefusal(portable, capabilities())).toBeUndefined();
  });

  it('needs its workgroup bytes', () => {
    const bytes = portableBytes(portable);
    const on = (maxComputeWorkgroupStorageSize: number): string | undefined =>
      forwardRefusal(portable, capabilities({}, { maxComputeWorkgroupStorageSize }));
    expect(on(bytes)).toBeUndefined();
    expect(on(bytes - 1)).toBe(
      `its tiles take ${bytes} bytes of workgroup memory; the device has ${bytes - 1}`,
    );
  });

  it('needs its threads', () => {
    const on = (maxComputeInvocationsPerWorkgroup: number): string | undefined =>
      forwardRefusal(portable, capabilities({}, { maxComputeInvocationsPerWorkgroup }));
    expect(on(64)).toBeUndefined();
    expect(on(63)).toBe('it needs 64 threads; the device allows 63');
  });
});

describe('the subgroup path', () => {
  const on = (min: number, max: number): string | undefined =>
    forwardRefusal(subgroup, capabilities({ subgroups: { min, max } }));

  it('needs subgroups', () => {
    expect(forwardRefusal(subgroup, capabilities())).toBe('the device has no subgroups');
  });

  it('needs one subgroup size, and that of the tile', () => {
    expect(on(8, 8)).toBeUndefined();
    expect(on(4, 8)).toContain('subgroups have 4 to 8 lanes');
    expect(on(8, 16)).toContain('subgroups have 8 to 16 lanes');
    expect(on(16, 16)).toBe('the tile is for subgroups of 8; the device has 16');
  });

  it('keeps to its budget of scores per lane', () => {
    const cpu = capabilities({ subgroups: { min: 8, max: 8 } });
    const scores = (tile: SubgroupTile): number => tile.rowsPerLane * tileShape(tile).tileN;
    const within = { ...subgroup, rowsPerLane: 4, keysPerLane: 4 };
    const wide = { ...subgroup, rowsPerLane: 8, keysPerLane: 4 };
    const beyond = { ...subgroup, rowsPerLane: 3, keysPerLane: 11 };
    expect([within, wide, beyond].map(scores)).toEqual([128, 256, 264]);
    expect(gradientRefusal(within, cpu)).toBeUndefined();
    expect(forwardRefusal(wide, cpu)).toBeUndefined();
    expect(gradientRefusal(wide, cpu)).toBe('8 rows × 32 keys per lane exceed 128 scores');
    expect(forwardRefusal(beyond, cpu)).toBe('3 rows × 88 keys per lane exceed 256 scores');
  });
});

describe('the matrix path', () => {
  const halves = { ...plain, qType: 'f16', kvType: 'f16', outType: 'f16' } as const;
  const able = { subgroups: { min: 8, max: 32 }, f16: true, subgroupMatrix: matrices('8×16×16') };
  const room = { maxComputeWorkgroupStorageSize: 32_768 };
  const on = (
    change: Partial<ForwardConfig> = {},
    device: Parameters<typeof capabilities>[0] = {},
    limits: Parameters<typeof capabilities>[1] = room,
  ): string | undefined =>
    cannotImplement(
      { ...halves, tile: matrix, ...change },
      capabilities({ ...able, ...device }, limits),
    );

  it('runs on f16 where the device has its matrices, whatever the head dim and the subgroup size', () => {
    expect(on()).toBeUndefined();
    expect(on({ headDim: 17, headDimV: 1 })).toBeUndefined();
    expect(on({}, { subgroups: { min: 64, max: 64 } })).toBeUndefined();
  });

  it.for([{ subgroupMatrix: [] }, { subgroups: undefined }, { f16: false }])(
    'needs the feature, subgroups and f16: %o',
    (device) => {
      const reason = 'the device has no subgroup matrices of f16 with products in f32';
      expect(on({}, device)).toBe(reason);
    },
  );

  it('takes no matrices of other types', () => {
    const [shape] = matrices('8×16×16');
    for (const other of [{ componentType: 'i8' }, { resultComponentType: 'f16' }]) {
      expect(on({}, { subgroupMatrix: [{ ...shape!, ...other }] })).toMatch(/^the device has no/);
    }
  });

  it('needs the shape of the tile', () => {
    const subgroupMatrix = matrices('8×8×8', '16×16×16');
    const reason = 'the tile is for matrices of 8×16×16; the device has 16×16×16, 8×8×8';
    expect(on({}, { subgroupMatrix })).toBe(reason);
  });

  it.for([
    ['f32', 'f16'],
    ['f16', 'f32'],
    ['f16', 'int8'],
  ] as const)('rounds no q=%s kv=%s', ([qType, kvType]) => {
    const reason = `matrices hold q, k and v in f16, which would round q=${qType} kv=${kvType}`;
    expect(on({ qType, kvType })).toBe(reason);
  });

  it('is made of whole matrices', () => {
    const tall = { ...matrix, M: 16, rowsPerThread: 1 } as const;
    const deep = { ...matrix, K: 64 };
    const subgroupMatrix = matrices('16×16×16', '8×16×64');
    const reason = 'tiles of 8 × 32 are not made of matrices of 16×16×16';
    expect(on({ tile: tall }, { subgroupMatrix })).toBe(reason);
    expect(on({ tile: deep }, { subgroupMatrix })).toMatch(/^tiles of 32 × 32 are not made of/);
  });

  it('has whole subgroups', () => {
    const reason = '64 threads are no whole number of subgroups of 128';
    expect(on({}, { subgroups: { min: 32, max: 128 } })).toBe(reason);
  });

  it.for([
    [64, 64],
    [17, 5],
    [5, 200],
  ] as const)('needs the workgroup bytes that its text declares, at %i and %i', ([d, dv]) => {
    const dims = { headDim: d, headDimV: dv, read: 'scalar', write: 'scalar' } as const;
    const bytes = matrixBytes(dims, matrix);
    const declared = declaredBytes({ ...halves, ...dims, tile: matrix });
    expect(declared.reduce((a, b) => a + b)).toBe(bytes);
    expect(on(dims, {}, { maxComputeWorkgroupStorageSize: bytes })).toBeUndefined();
    expect(on(dims, {}, { maxComputeWorkgroupStorageSize: bytes - 1 })).toBe(
      `its tiles take ${bytes} bytes of workgroup memory; the device has ${bytes - 1}`,
    );
  });

  it('serves a head dim of 256 in 32 KiB, and of 64 in 16 KiB, with 16 rows', () => {
    const tile = { ...matrix, rowsPerThread: 2 } as const;
    expect(matrixBytes({ headDim: 256, headDimV: 256 }, tile)).toBeLessThanOrEqual(32_768);
    expect(matrixBytes({ headDim: 64, headDimV: 64 }, tile)).toBeLessThanOrEqual(16_384);
  });
});
