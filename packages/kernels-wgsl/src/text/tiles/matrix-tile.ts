import type { Capabilities } from '@heed/core';
import { deviceClass } from './device-class.ts';
import {
  dimMatrices,
  matrixBytes,
  type MatrixKernel,
  matrixRegisters,
  type MatrixShape,
  type MatrixTile,
  matrixThreads,
  matrixTileShape,
  ownerLanes,
  passBlocks,
  ROW_LANES,
  summedDims,
  TILE_N,
} from './matrix-geometry.ts';
import { type TileClass, type TileNeeds, workgroupExceeds } from './tile-path.ts';

// Larger head dims take one subgroup's registers for the output, or more than 48 KiB of workgroup memory for two tiles.
const MOST_DIM = 256;

/** A shape that a device offers, with the type of its components. */
type Offered = MatrixShape & Pick<MatrixTile, 'components'>;

/** Returns the shapes that a device multiplies into f32: those of f16 before those of f32, the largest first. */
function offeredShapes({ subgroupMatrix, f16 }: Capabilities): readonly Offered[] {
  const of = (components: 'f16' | 'f32'): Offered[] =>
    subgroupMatrix
      .filter((c) => c.componentType === components && c.resultComponentType === 'f32')
      .map(({ M, N, K }) => ({ M, N, K, components }))
      .toSorted((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return [...(f16 ? of('f16') : []), ...of('f32')];
}

/** Returns the subgroup size of the path's kernels on a device, and whether they have to fix it; undefined if they cannot. */
function subgroupSizeOf({
  subgroups,
  subgroupSizeControl,
}: Capabilities): Pick<MatrixTile, 'subgroupSize' | 'isPinned'> | undefined {
  if (!subgroups) return undefined;
  const { min, max } = subgroups;
  if (min === max) return { subgroupSize: max, isPinned: false };
  // GPUs of several sizes have their matrix units for 32 lanes or fewer.
  return subgroupSizeControl
    ? { subgroupSize: Math.max(min, Math.min(max, 32)), isPinned: true }
    : undefined;
}

export const matrixTiles: TileClass<MatrixTile> = {
  enables: ({ components, isPinned }) => [
    'chromium_experimental_subgroup_matrix',
    'subgroups',
    ...(isPinned ? ['subgroup_size_control'] : []),
    ...(components === 'f16' ? ['f16'] : []),
  ],
  shape: matrixTileShape,
  cannot: (tile, capabilities, kernel, needs) =>
    needs.pass
      ? 'its sums are in matrices, from which another pass cannot go on'
      : kernel === 'tables'
        ? 'gradients of tables are added pair by pair, which is no product'
        : (cannotOffer(tile, capabilities, kernel, needs) ??
          cannotDivide(tile, kernel, needs) ??
          cannotFit(tile, capabilities, kernel, needs)),
  // A CPU only emulates matrices, and a decode step reads more than it multiplies.
  isDefault: (use, capabilities) =>
    use !== 'group' &&
    offeredShapes(capabilities).length > 0 &&
    subgroupSizeOf(capabilities) !== undefined &&
    deviceClass(capabilities).matrices,
  defaults(use, capabilities) {
    const sizes = use === 'head' || use === 'group' ? forwardSizes : gradientSizes;
    const shapes = offeredShapes(capabilities);
    return (shapes.length > 0 ? shapes : [NO_SHAPE]).flatMap((shape) =>
      tilesOf(shape, capabilities, sizes),
    );
  },
  fallsBack: (capabilities) => offeredShapes(capabilities).length > 0,
};

function cannotOffer(
  tile: MatrixTile,
  capabilities: Capabilities,
  kernel: MatrixKernel,
  { qType, kvType, vType, headDim, headDimV, keepsStates }: TileNeeds,
): string | undefined {
  const { components, subgroupSize } = tile;
  const shapes = offeredShapes(capabilities).filter((one) => one.components === components);
  if (shapes.length === 0 || !capabilities.subgroups) {
    return `the device has no subgroup matrices of ${components} with products in f32`;
  }
  const names = shapes.map(shapeName);
  if (!names.includes(shapeName(tile))) {
    return `the tile is for matrices of ${shapeName(tile)}; the device has ${names.join(', ')}`;
  }
  if (vType) return `matrices hold k and v in one type; got ${kvType} and ${vType}`;
  if (qType !== 'f16' || kvType !== 'f16') {
    if (components === 'f16') {
      return `matrices hold q, k and v in f16, which would round q=${qType} kv=${kvType}`;
    }
    // Rounding to f16 absorbs the difference.
    if (keepsStates || kernel !== 'forward') {
      return 'gradients in f32 need scores that all kernels sum in one order';
    }
  }
  const longest = Math.max(headDim, headDimV);
  if (longest > MOST_DIM) {
    return `matrices of head dims above ${MOST_DIM} leave too few registers and too little workgroup memory; this one is ${longest}`;
  }
  const { min, max } = capabilities.subgroups;
  const size = subgroupSizeOf(capabilities);
  if (!size)
    return `subgroups have ${min} to ${max} lanes here, and a kernel cannot fix their size`;
  if (size.subgroupSize !== subgroupSize || size.isPinned !== tile.isPinned) {
    return `the tile is for subgroups of ${subgroupSize}; the device has ${size.subgroupSize}`;
  }
  return undefined;
}

function cannotDivide(
  tile: MatrixTile,
  kernel: MatrixKernel,
  needs: TileNeeds,
): string | undefined {
  const { M, N, K, rowBlocks, sharing } = tile;
  const { tileM } = matrixTileShape(tile);
  const isWhole = (TILE_N % M) + (TILE_N % N) + (TILE_N % K) + ((N | K) % 4) === 0;
  if (!isWhole)
    return `tiles of ${tileM} × ${TILE_N} are not made of matrices of ${shapeName(tile)}`;
  const lanes = ownerLanes(tile);
  const perPass = (passBlocks(tile) * M * ROW_LANES) / lanes;
  if (lanes % ROW_LANES > 0 || perPass % 1 > 0 || rowBlocks % passBlocks(tile) > 0) {
    return `${rowBlocks} × ${M} rows cannot be dealt to ${lanes} lanes, ${ROW_LANES} to a row`;
  }
  const columns = summedDims(needs, kernel).map((dim) => dimMatrices(dim, tile).columns);
  if ([TILE_N / N, ...columns, tile.subgroups].some((count) => count % sharing > 0)) {
    return `${sharing} subgroups cannot share the columns of ${TILE_N} keys and of ${columns.join(' and ')} matrices of the output`;
  }
  return undefined;
}

function cannotFit(
  tile: MatrixTile,
  { limits }: Capabilities,
  kernel: MatrixKernel,
  needs: TileNeeds,
): string | undefined {
  const held = matrixRegisters(needs, tile, kernel);
  const most = MAX_REGISTERS[kernel === 'forward' ? 'forward' : 'gradient'][tile.components];
  // A CPU has its matrices in memory.
  if (held > most && tile.unroll) {
    return `a thread would keep ${held} registers of matrices; ${most} leave room for the rest`;
  }
  return workgroupExceeds(
    { bytes: matrixBytes(needs, tile, kernel), threads: matrixThreads(tile) },
    limits,
  );
}

// How much a lane may keep in matrices. The compilers of AMD and NVIDIA spill if it is more of their 256 registers. Devices with
// matrices of f32 have 128.
const MAX_REGISTERS = {
  forward: { f16: 112, f32: 80 },
  gradient: { f16: 160, f32: 80 },
} as const;

const NO_SHAPE: Offered = { M: 0, N: 0, K: 0, components: 'f16' };

interface TileSize extends Pick<MatrixTile, 'subgroups' | 'sharing'> {
  /** If a matrix has so few rows. */
  readonly rowsPerThread: number;
  /** Whether the rows may stay in registers. */
  readonly keepsRows: readonly boolean[];
}

const either = [true, false] as const;

// More rows per tile read each key less often, where registers and workgroup memory have room for them. For large head dims,
// subgroups share rows.
const forwardSizes: readonly TileSize[] = [
  { subgroups: 4, rowsPerThread: 8, sharing: 1, keepsRows: either },
  { subgroups: 4, rowsPerThread: 4, sharing: 1, keepsRows: either },
  { subgroups: 8, rowsPerThread: 2, sharing: 1, keepsRows: either },
  { subgroups: 4, rowsPerThread: 2, sharing: 1, keepsRows: either },
  { subgroups: 2, rowsPerThread: 4, sharing: 1, keepsRows: either },
  { subgroups: 2, rowsPerThread: 2, sharing: 1, keepsRows: either },
  { subgroups: 4, rowsPerThread: 2, sharing: 2, keepsRows: [false] },
];

// Two operands of each row, and one or two results, leave room for fewer rows.
const gradientSizes: readonly TileSize[] = [
  { subgroups: 4, rowsPerThread: 4, sharing: 2, keepsRows: [true] },
  { subgroups: 4, rowsPerThread: 4, sharing: 1, keepsRows: [true] },
  { subgroups: 8, rowsPerThread: 2, sharing: 2, keepsRows: [true] },
  { subgroups: 4, rowsPerThread: 2, sharing: 1, keepsRows: [true] },
  { subgroups: 4, rowsPerThread: 2, sharing: 2, keepsRows: either },
  { subgroups: 2, rowsPerThread: 4, sharing: 1, keepsRows: either },
];

function tilesOf(
  shape: Offered,
  capabilities: Capabilities,
  sizes: readonly TileSize[],
): MatrixTile[] {
  const { subgroupSize, isPinned } = subgroupSizeOf(capabilities) ?? {
    subgroupSize: capabilities.subgroups?.max ?? 0,
    isPinned: false,
  };
  const { unroll, packsHalves } = deviceClass(capabilities);
  const tileOf = (
    { subgroups, rowsPerThread, sharing }: TileSize,
    keepsRows: boolean,
  ): MatrixTile => {
    const rows = (rowsPerThread * subgroupSize * sharing) / ROW_LANES;
    const rowBlocks = Math.max(1, rows / shape.M || 0);
    const lanes = { subgroupSize, isPinned, subgroups };
    return { path: 'matrix', ...shape, ...lanes, rowBlocks, sharing, keepsRows, unroll };
  };
  const mayKeep = packsHalves || shape.components === 'f32';
  const tiles = sizes.flatMap((size) =>
    size.keepsRows.filter((keeps) => mayKeep || !keeps).map((keeps) => tileOf(size, keeps)),
  );
  const texts = tiles.map((tile) => JSON.stringify(tile));
  return tiles.filter((_, i) => texts.indexOf(texts[i]!) === i);
}

const shapeName = ({ M, N, K }: MatrixShape): string => `${M}×${N}×${K}`;
