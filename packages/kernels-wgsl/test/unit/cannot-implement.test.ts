import type { Capabilities } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { backwardSource } from '../../src/text/kernels/backward.wgsl.ts';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import type { ForwardConfig } from '../../src/text/tiles/kernel-config.ts';
import { matrixBytes, type MatrixTile } from '../../src/text/tiles/matrix-geometry.ts';
import { type PortableTile, portableBytes } from '../../src/text/tiles/portable-tile.ts';
import type { SubgroupTile } from '../../src/text/tiles/subgroup-tile.ts';
import {
  cannotImplement,
  cannotImplementGradient,
  type TileConfig,
  tileShape,
} from '../../src/text/tiles/tile-paths.ts';
import { capabilities, matrices } from './facts.ts';
import { matrixTile, plain } from './kernel-configs.ts';

const portable: PortableTile = {
  path: 'portable',
  threadsM: 8,
  rowsPerThread: 4,
  unroll: false,
};
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
  cannotImplementGradient({ ...plain, of: 'q', tile }, on);

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
  const able = {
    subgroups: { min: 32, max: 32 },
    f16: true,
    subgroupMatrix: matrices('f16', '16×16×16'),
  };
  const room = { maxComputeWorkgroupStorageSize: 32_768 };
  const on = (
    change: Partial<ForwardConfig> = {},
    device: Parameters<typeof capabilities>[0] = {},
    limits: Parameters<typeof capabilities>[1] = room,
  ): string | undefined =>
    cannotImplement(
      { ...halves, tile: matrixTile, ...change },
      capabilities({ ...able, ...device }, limits),
    );

  it('runs on f16 where the device has its matrices, whatever the head dim', () => {
    expect(on()).toBeUndefined();
    expect(on({ headDim: 17, headDimV: 1 })).toBeUndefined();
    expect(on({ headDim: 96, headDimV: 128 })).toBeUndefined();
  });

  it.for([{ subgroupMatrix: [] }, { subgroups: undefined }, { f16: false }])(
    'needs the feature, subgroups and f16: %o',
    (device) => {
      const reason = 'the device has no subgroup matrices of f16 with products in f32';
      expect(on({}, device)).toBe(reason);
    },
  );

  it('takes no matrices of other types', () => {
    const [shape] = matrices('f16', '16×16×16');
    for (const other of [{ componentType: 'i8' }, { resultComponentType: 'f16' }]) {
      expect(on({}, { subgroupMatrix: [{ ...shape!, ...other }] })).toMatch(/^the device has no/);
    }
  });

  it('needs the shape of the tile', () => {
    const subgroupMatrix = matrices('f16', '8×8×8', '16×8×16');
    const reason = 'the tile is for matrices of 16×16×16; the device has 16×8×16, 8×8×8';
    expect(on({}, { subgroupMatrix })).toBe(reason);
  });

  it.for([
    ['f32', 'f16'],
    ['f16', 'f32'],
    ['f16', 'int8'],
  ] as const)('rounds no q=%s kv=%s, which matrices of f32 hold', ([qType, kvType]) => {
    const reason = `matrices hold q, k and v in f16, which would round q=${qType} kv=${kvType}`;
    expect(on({ qType, kvType })).toBe(reason);
    const tile = { ...matrixTile, components: 'f32' } as const;
    const subgroupMatrix = matrices('f32', '16×16×16');
    expect(on({ qType, kvType, tile }, { subgroupMatrix, f16: false })).toBeUndefined();
  });

  it('is made of whole matrices', () => {
    const deep = { ...matrixTile, K: 64 };
    expect(on({ tile: deep }, { subgroupMatrix: matrices('f16', '16×16×64') })).toBe(
      'tiles of 64 × 32 are not made of matrices of 16×16×64',
    );
  });

  it('deals its rows to whole lanes', () => {
    const flat = { ...matrixTile, M: 4, subgroupSize: 64 };
    const reason = '1 × 4 rows cannot be dealt to 64 lanes, 8 to a row';
    const device = {
      subgroupMatrix: matrices('f16', '4×16×16'),
      subgroups: { min: 64, max: 64 },
    };
    expect(on({ tile: flat }, device)).toBe(reason);
  });

  it('shares rows among subgroups only where each has an equal part of the columns', () => {
    const tile = { ...matrixTile, sharing: 2, keepsRows: false };
    expect(
      on({ tile, headDim: 256, headDimV: 256 }, {}, { maxComputeWorkgroupStorageSize: 49_152 }),
    ).toBeUndefined();
    expect(on({ tile, headDimV: 48 })).toBe(
      '2 subgroups cannot share the columns of 32 keys and of 3 matrices of the output',
    );
  });

  it('needs its subgroup size, fixed if the device has several', () => {
    expect(on({}, { subgroups: { min: 64, max: 64 } })).toBe(
      'the tile is for subgroups of 32; the device has 64',
    );
    const several = { subgroups: { min: 16, max: 64 }, subgroupSizeControl: true };
    const pinned = { ...matrixTile, isPinned: true };
    expect(on({ tile: pinned }, several)).toBeUndefined();
    expect(on({ tile: pinned }, { ...several, subgroupSizeControl: false })).toBe(
      'subgroups have 16 to 64 lanes here, and a kernel cannot fix their size',
    );
    expect(on({}, several)).toMatch(/^the tile is for subgroups of 32/);
  });

  it('keeps q and the output in registers, and refuses head dims for which there are too few', () => {
    const at = (d: number, keepsRows: boolean): string | undefined => {
      const tile = { ...matrixTile, subgroups: 2, keepsRows };
      return on({ headDim: d, headDimV: d, tile });
    };
    expect(at(160, true)).toBe(
      'a thread would keep 136 registers of matrices; 112 leave room for the rest',
    );
    expect(at(160, false)).toBeUndefined();
    expect(at(256, false)).toMatch(/^a thread would keep 144 registers/);
  });

  it.for([
    [64, 64, { rowBlocks: 1 }],
    [17, 5, { rowBlocks: 2 }],
    [5, 128, { keepsRows: false }],
  ] as const)(
    'needs the workgroup bytes that its text declares, at %i and %i',
    ([headDim, headDimV, change]) => {
      const dims = { headDim, headDimV, read: 'scalar', write: 'scalar' } as const;
      const tile = { ...matrixTile, ...change };
      const bytes = matrixBytes(dims, tile, 'forward');
      const declared = declaredBytes({ ...halves, ...dims, tile });
      // The flag beside the arrays has 4.
      expect(declared.reduce((a, b) => a + b) + 4).toBe(bytes);
      expect(on({ ...dims, tile }, {}, { maxComputeWorkgroupStorageSize: bytes })).toBeUndefined();
      expect(on({ ...dims, tile }, {}, { maxComputeWorkgroupStorageSize: bytes - 1 })).toBe(
        `its tiles take ${bytes} bytes of workgroup memory; the device has ${bytes - 1}`,
      );
    },
  );

  it('serves its head dims in 32 KiB, with 64 rows and more', () => {
    const bytes = (d: number, tile: Partial<MatrixTile>): number =>
      matrixBytes({ headDim: d, headDimV: d }, { ...matrixTile, ...tile }, 'forward');
    expect(bytes(64, { rowBlocks: 2 })).toBeLessThanOrEqual(32_768);
    expect(bytes(128, {})).toBeLessThanOrEqual(32_768);
    expect(bytes(128, { components: 'f32' })).toBeLessThanOrEqual(32_768);
  });

  it.for([
    ['q', 128, {}],
    ['kv', 128, { subgroups: 8, sharing: 2 }],
    ['kv', 64, { rowBlocks: 2, sharing: 2, keepsRows: false }],
    ['q', 40, { M: 8, N: 8, K: 8, components: 'f32' }],
  ] as const)(
    'needs the workgroup bytes that the text of d%s declares, at %i: %o',
    ([of, d, change]) => {
      const dims = { headDim: d, headDimV: d };
      const tile = { ...matrixTile, ...change };
      const bytes = matrixBytes(dims, tile, of);
      const { code } = backwardSource({ ...halves, ...dims, of, resultType: 'f16', tile });
      const declared = [...code.matchAll(/var<workgroup>.*\/\/ (\d+) bytes/g)].map((m) =>
        Number(m[1]),
      );
      // The word beside the arrays has 4.
      expect(declared.reduce((a, b) => a + b) + 4).toBe(bytes);
      const device = (most: number): Capabilities =>
        capabilities(
          {
            ...able,
            subgroupMatrix: [...matrices('f16', '16×16×16'), ...matrices('f32', '8×8×8')],
          },
          { maxComputeWorkgroupStorageSize: most },
        );
      const within = (most: number): string | undefined =>
        cannotImplementGradient({ ...halves, ...dims, of, tile }, device(most));
      expect(within(bytes)).toBeUndefined();
      expect(within(bytes - 1)).toBe(
        `its tiles take ${bytes} bytes of workgroup memory; the device has ${bytes - 1}`,
      );
    },
  );
});
