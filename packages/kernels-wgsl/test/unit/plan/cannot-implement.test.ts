import { describe, expect, it } from 'vitest';
import { cannotImplement, tileShape } from '../../../src/tiles/compute.ts';
import { type PortableTile, portableBytes } from '../../../src/tiles/portable/config.ts';
import { forwardSource } from '../../../src/kernels/forward/forward.wgsl.ts';
import type { SubgroupTile } from '../../../src/tiles/subgroup/config.ts';
import { plain } from '../wgsl/configs.ts';
import { capabilities } from './capabilities.ts';

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
};

describe('the portable path', () => {
  it.for([1, 2, 4] as const)(
    'counts the workgroup bytes that its text declares, with %i rows a thread',
    (rowsPerThread) => {
      const tile = { ...portable, rowsPerThread };
      const { code } = forwardSource({ ...plain, tile });
      const sizes = { 'vec4<f32>': 16, f32: 4 };
      const declared = [...code.matchAll(/var<workgroup> \w+: array<([\w<>]+), (\d+)>/g)];
      const bytes = declared.map((m) => sizes[m[1] as keyof typeof sizes] * Number(m[2]));
      expect(bytes.reduce((a, b) => a + b)).toBe(portableBytes(tile));
      const stated = [...code.matchAll(/>; \/\/ (\d+) bytes/g)].map((m) => Number(m[1]));
      expect(stated).toEqual(bytes);
    },
  );

  it('fits the default limits', () => {
    expect(cannotImplement(portable, capabilities())).toBeUndefined();
  });

  it('needs its workgroup bytes', () => {
    const bytes = portableBytes(portable);
    const on = (maxComputeWorkgroupStorageSize: number): string | undefined =>
      cannotImplement(portable, capabilities({}, { maxComputeWorkgroupStorageSize }));
    expect(on(bytes)).toBeUndefined();
    expect(on(bytes - 1)).toBe(
      `its tiles take ${bytes} bytes of workgroup memory; the device has ${bytes - 1}`,
    );
  });

  it('needs its threads', () => {
    const on = (maxComputeInvocationsPerWorkgroup: number): string | undefined =>
      cannotImplement(portable, capabilities({}, { maxComputeInvocationsPerWorkgroup }));
    expect(on(64)).toBeUndefined();
    expect(on(63)).toBe('it needs 64 threads; the device allows 63');
  });
});

describe('the subgroup path', () => {
  const on = (min: number, max: number): string | undefined =>
    cannotImplement(subgroup, capabilities({ subgroups: { min, max } }));

  it('needs subgroups', () => {
    expect(cannotImplement(subgroup, capabilities())).toBe('the device has no subgroups');
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
    const beyond = { ...subgroup, rowsPerLane: 3, keysPerLane: 6 };
    expect(scores(within)).toBe(128);
    expect(cannotImplement(within, cpu)).toBeUndefined();
    expect(scores(beyond)).toBe(144);
    expect(cannotImplement(beyond, cpu)).toBe('3 rows × 48 keys per lane exceed 128 scores');
  });
});
