import type { Capabilities, SubgroupMatrixConfig } from '@heed/core';
import type { TileShape } from '../parts/kinds.ts';
import { deviceClass } from './device-class.ts';
import { type TileClass, type TileNeeds, workgroupExceeds } from './tile-path.ts';

/** Shape of (M×K)·(K×N), whose product is M×N. */
type MatrixShape = Pick<SubgroupMatrixConfig, 'M' | 'N' | 'K'>;

/**
 * Multiplies by the device's matrix operations, (M×K)·(K×N) of the component type into f32. A subgroup, or `sharing` of them
 * together, owns the rows of `rowBlocks` matrices, for both products.
 */
export interface MatrixTile extends MatrixShape {
  readonly path: 'matrix';
  /** Type of the components of q, k, v and the weights. */
  readonly components: 'f16' | 'f32';
  readonly subgroupSize: number;
  /** Whether the kernel fixes the subgroup size; otherwise the device has only one. */
  readonly isPinned: boolean;
  readonly subgroups: number;
  readonly rowBlocks: number;
  /** Subgroups that own the same rows. Each computes an equal part of the keys of the scores, and of the columns of the output. */
  readonly sharing: number;
  /** Whether each subgroup keeps its rows of q in matrices; otherwise they lie in workgroup memory. */
  readonly keepsQuery: boolean;
  /** Whether the compiler may know the bounds of inner loops; loops over matrices are then written out. */
  readonly unroll: boolean;
}

/** Keys of a tile, and columns of the output that pass through workgroup memory at a time. */
export const TILE_N = 32;
/** Lanes that share a row, each with 4 of its columns. */
export const ROW_LANES: number = TILE_N / 4;
// A row of any workgroup array is longer by 8 components. The rows of a matrix then lie in different memory banks.
const PADDING = 8;

// Larger head dims take one subgroup's registers for the output, or more than 48 KiB of workgroup memory for two tiles.
const MOST_DIM = 256;

interface Dims {
  readonly headDim: number;
  readonly headDimV: number;
}

export function matrixThreads({ subgroups, subgroupSize }: MatrixTile): number {
  return subgroups * subgroupSize;
}

/** Returns the query rows that a subgroup owns. */
export function subgroupRows({ rowBlocks, M }: MatrixTile): number {
  return rowBlocks * M;
}

function matrixTileShape(tile: MatrixTile): TileShape {
  return { tileM: (tile.subgroups / tile.sharing) * subgroupRows(tile), tileN: TILE_N };
}

/** Returns the threads that own the same rows. */
export function ownerLanes({ sharing, subgroupSize }: MatrixTile): number {
  return sharing * subgroupSize;
}

/** Returns the query rows of a thread: 4 of each pass, or as many as a matrix needs. */
export function threadRows(tile: MatrixTile): number {
  return (subgroupRows(tile) * ROW_LANES) / ownerLanes(tile);
}

/**
 * Returns how many of a subgroup's matrices lie in workgroup memory at a time, one above the other. More rows would take
 * more memory, and so leave room for fewer workgroups. Weights in f32 replace their scores, so there all rows are at once.
 */
export function passBlocks(tile: MatrixTile): number {
  const { components, rowBlocks, M } = tile;
  if (components === 'f32') return rowBlocks;
  return Math.min(rowBlocks, Math.max(1, ownerLanes(tile) / ROW_LANES / (M / 4)));
}

/** Returns the matrices that span a head dim: `q` of the inner dimension of q · k, `v` of the columns of the output. */
export function dimMatrices(
  { headDim, headDimV }: Dims,
  { N, K }: MatrixShape,
): Record<'q' | 'v', number> {
  return { q: Math.ceil(headDim / K), v: Math.ceil(headDimV / N) };
}

/** Returns the vectors of four components in a row of each workgroup array. */
export function matrixStrides(dims: Dims, tile: MatrixTile): Record<'staged' | 'scores', number> {
  const { q, v } = dimMatrices(dims, tile);
  const staged = Math.max(q * tile.K, v * tile.N);
  return { staged: Math.ceil(staged / 4) + PADDING / 4, scores: (TILE_N + PADDING) / 4 };
}

/** Returns the lengths of the workgroup arrays in vectors; weights in f32 replace their scores. */
export function matrixArrays(
  dims: Dims,
  tile: MatrixTile,
): Record<'q_tile' | 'kv_tile' | 'scores' | 'weights', number> {
  const strides = matrixStrides(dims, tile);
  const { tileM } = matrixTileShape(tile);
  return {
    q_tile: tile.keepsQuery ? 0 : tileM * strides.staged,
    kv_tile: TILE_N * strides.staged,
    scores: (tile.subgroups / tile.sharing) * passBlocks(tile) * tile.M * strides.scores,
    weights: tile.components === 'f16' ? tileM * strides.scores : 0,
  };
}

/** Returns the bytes of workgroup memory: staged q, k or v, scores, weights, and whether a row's maximum has grown. */
export function matrixBytes(dims: Dims, tile: MatrixTile): number {
  const { q_tile, kv_tile, scores, weights } = matrixArrays(dims, tile);
  return (q_tile + kv_tile + weights) * (tile.components === 'f16' ? 8 : 16) + scores * 16 + 4;
}

// How much a lane may keep of q, the scores and the output, in 4-byte registers. The compilers of AMD and NVIDIA spill if it is
// more of their 256. Devices with matrices of f32 have 128.
const MAX_REGISTERS = { f16: 112, f32: 80 } as const;

function registers({ headDim, headDimV }: Dims, tile: MatrixTile): number {
  const { components, keepsQuery, sharing } = tile;
  const ofQ = keepsQuery ? (components === 'f16' ? headDim / 2 : headDim) : 0;
  return Math.ceil(
    (subgroupRows(tile) * (ofQ + (headDimV + TILE_N) / sharing)) / tile.subgroupSize,
  );
}

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
  cannot: (tile, capabilities, _, needs) =>
    (needs.isSelected ? 'it stages keys in order, and selected keys have none' : undefined) ??
    cannotOffer(tile, capabilities, needs) ??
    cannotDivide(tile, needs) ??
    cannotFit(tile, capabilities, needs),
  // A CPU only emulates matrices, and a decode step reads more than it multiplies.
  isDefault: (use, capabilities) =>
    use === 'head' &&
    offeredShapes(capabilities).length > 0 &&
    subgroupSizeOf(capabilities) !== undefined &&
    deviceClass(capabilities).matrices,
  defaults(_, capabilities) {
    const shapes = offeredShapes(capabilities);
    return (shapes.length > 0 ? shapes : [NO_SHAPE]).flatMap((shape) =>
      tilesOf(shape, capabilities),
    );
  },
  fallsBack: (capabilities) => offeredShapes(capabilities).length > 0,
};

function cannotOffer(
  tile: MatrixTile,
  capabilities: Capabilities,
  { qType, kvType, headDim, headDimV, keepsStates }: TileNeeds,
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
  if (components === 'f16' && (qType !== 'f16' || kvType !== 'f16')) {
    return `matrices hold q, k and v in f16, which would round q=${qType} kv=${kvType}`;
  }
  if (keepsStates && components === 'f32') {
    return 'a gradient needs scores that are summed in its own order';
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

function cannotDivide(tile: MatrixTile, needs: TileNeeds): string | undefined {
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
  const columns = dimMatrices(needs, tile).v;
  if ((TILE_N / N) % sharing > 0 || columns % sharing > 0 || tile.subgroups % sharing > 0) {
    return `${sharing} subgroups cannot share the columns of ${TILE_N} keys and of ${columns} matrices of the output`;
  }
  return undefined;
}

function cannotFit(
  tile: MatrixTile,
  { limits }: Capabilities,
  needs: TileNeeds,
): string | undefined {
  const held = registers(needs, tile);
  const most = MAX_REGISTERS[tile.components];
  // A CPU has its matrices in memory.
  if (held > most && tile.unroll) {
    return `a thread would keep ${held} registers of matrices; ${most} leave room for the rest`;
  }
  return workgroupExceeds(
    { bytes: matrixBytes(needs, tile), threads: matrixThreads(tile) },
    limits,
  );
}

const NO_SHAPE: Offered = { M: 0, N: 0, K: 0, components: 'f16' };

// More rows per tile read each key less often, where registers and workgroup memory have room for them.
const sizes: readonly TileSize[] = [
  { subgroups: 4, rowsPerThread: 8, sharing: 1 },
  { subgroups: 4, rowsPerThread: 4, sharing: 1 },
  { subgroups: 8, rowsPerThread: 2, sharing: 1 },
  { subgroups: 4, rowsPerThread: 2, sharing: 1 },
  { subgroups: 2, rowsPerThread: 4, sharing: 1 },
  { subgroups: 2, rowsPerThread: 2, sharing: 1 },
];
// For large head dims.
const shared: TileSize = { subgroups: 4, rowsPerThread: 2, sharing: 2 };

interface TileSize extends Pick<MatrixTile, 'subgroups' | 'sharing'> {
  /** If a matrix has so few rows. */
  readonly rowsPerThread: number;
}

function tilesOf(shape: Offered, capabilities: Capabilities): MatrixTile[] {
  const { subgroupSize, isPinned } = subgroupSizeOf(capabilities) ?? {
    subgroupSize: capabilities.subgroups?.max ?? 0,
    isPinned: false,
  };
  const { unroll, packsHalves } = deviceClass(capabilities);
  const tileOf = (
    { subgroups, rowsPerThread, sharing }: TileSize,
    keepsQuery: boolean,
  ): MatrixTile => {
    const rows = (rowsPerThread * subgroupSize * sharing) / ROW_LANES;
    const rowBlocks = Math.max(1, rows / shape.M || 0);
    const lanes = { subgroupSize, isPinned, subgroups };
    return { path: 'matrix', ...shape, ...lanes, rowBlocks, sharing, keepsQuery, unroll };
  };
  const ways = packsHalves || shape.components === 'f32' ? [true, false] : [false];
  const tiles = [
    ...sizes.flatMap((size) => ways.map((keepsQuery) => tileOf(size, keepsQuery))),
    tileOf(shared, false),
  ];
  const texts = tiles.map((tile) => JSON.stringify(tile));
  return tiles.filter((_, i) => texts.indexOf(texts[i]!) === i);
}

const shapeName = ({ M, N, K }: MatrixShape): string => `${M}×${N}×${K}`;
