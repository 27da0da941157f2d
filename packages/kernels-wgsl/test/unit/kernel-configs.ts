import { floatTypes, isHalf, isQuantised } from '@heed/core/kernel';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { dropHook } from '../../src/host/options/dropout.ts';
import { headScale } from '../../src/host/options/scale.ts';
import { headSoftcap } from '../../src/host/options/softcap-option.ts';
import { band } from '../../src/host/options/visible-band.ts';
import type { CombineConfig } from '../../src/text/kernels/combine.wgsl.ts';
import type { InvertedConfig } from '../../src/text/kernels/inverted-lists.wgsl.ts';
import type { SelectedGradientConfig } from '../../src/text/kernels/selected-gradients.wgsl.ts';
import type { KeyScoresConfig } from '../../src/text/kernels/key-scores.wgsl.ts';
import type { KeySelectionConfig } from '../../src/text/kernels/key-selection.wgsl.ts';
import type { PairWeightsConfig } from '../../src/text/kernels/pair-weights.wgsl.ts';
import type { DeltaConfig } from '../../src/text/kernels/row-states.wgsl.ts';
import type { SumConfig } from '../../src/text/kernels/shared-keys.wgsl.ts';
import { type VariantHooks, variantHooks } from '../../src/text/parts/hook.ts';
import {
  type FloatType,
  type GradientOf,
  type KeyKind,
  type KeyType,
  type LengthKind,
  type ReadAccess,
  type RowKind,
  type WriteAccess,
} from '../../src/text/parts/kinds.ts';
import type { BackwardConfig, ForwardConfig } from '../../src/text/tiles/kernel-config.ts';
import type { MatrixTile } from '../../src/text/tiles/matrix-geometry.ts';
import type { PortableTile } from '../../src/text/tiles/portable-tile.ts';
import type { TileConfig } from '../../src/text/tiles/tile-paths.ts';

/** A tile of whichever path it names. */
export const tileOf = (tile: TileConfig): TileConfig => tile;

/** Dense, f32, causal or not, head dim 64: what most calls run, at WebGPU's default limits. */
export const plain: ForwardConfig & { readonly tile: TileConfig } = {
  qType: 'f32',
  kvType: 'f32',
  outType: 'f32',
  headDim: 64,
  headDimV: 64,
  lengths: 'dense',
  keys: 'strided',
  selectedBlock: 0,
  read: 'vec4',
  write: 'vec4',
  rows: 'head',
  hooks: variantHooks([band]),
  tile: { path: 'portable', threadsM: 8, rowsPerThread: 4, unroll: false },
};

/** A tile of matrices of 16 × 16 × 16 halves, on a GPU with subgroups of 32. */
export const matrixTile: MatrixTile = {
  path: 'matrix',
  M: 16,
  N: 16,
  K: 16,
  components: 'f16',
  subgroupSize: 32,
  isPinned: false,
  subgroups: 4,
  rowBlocks: 1,
  sharing: 1,
  keepsRows: true,
  unroll: true,
};

/** Of the paths that have gradients. */
const gradientTiles: readonly TileConfig[] = [
  { path: 'portable', threadsM: 8, rowsPerThread: 1, unroll: false },
  { path: 'portable', threadsM: 8, rowsPerThread: 4, unroll: true },
  { path: 'subgroup', subgroupSize: 4, rowsPerLane: 2, keysPerLane: 1, branches: false },
  { path: 'subgroup', subgroupSize: 8, rowsPerLane: 4, keysPerLane: 2, branches: true },
  { path: 'subgroup', subgroupSize: 32, rowsPerLane: 1, keysPerLane: 2, branches: false },
];

/** Of the matrix path, whose gradients are of f16 and not of tables. */
const matrixGradientTiles: readonly TileConfig[] = [
  { ...matrixTile, M: 8, N: 8, K: 8, subgroupSize: 8, subgroups: 2, unroll: false },
  { ...matrixTile, rowBlocks: 2, sharing: 2 },
  { ...matrixTile, M: 8, N: 8, K: 8, components: 'f32', isPinned: true, keepsRows: false },
];

const tiles: readonly TileConfig[] = [
  ...gradientTiles,
  { path: 'decode', rows: 1, lanes: 4, keysPerLane: 2, shuffled: 1 },
  { path: 'decode', rows: 8, lanes: 32, keysPerLane: 2, shuffled: 8 },
  { path: 'integers', rows: 8, lanes: 16, keysPerLane: 2, shuffled: 8 },
  { ...matrixTile, M: 8, N: 8, K: 8, subgroupSize: 8, subgroups: 2, unroll: false },
  { ...matrixTile, M: 16, N: 8, K: 16, isPinned: true, rowBlocks: 2, keepsRows: false },
  { ...matrixTile, M: 8, N: 8, K: 8, components: 'f32', rowBlocks: 2 },
];

const types: readonly (readonly [q: FloatType, kv: KeyType, out: FloatType])[] = [
  ['f32', 'f32', 'f32'],
  ['f16', 'f16', 'f16'],
  ['f16', 'f16', 'f32'],
  ['f32', 'f16', 'f32'],
  ['bf16', 'bf16', 'bf16'],
  ['f32', 'int8', 'f32'],
  ['f16', 'int4', 'f16'],
];

type Layout = readonly [LengthKind, KeyKind, selectedBlock: number];

const layouts: readonly Layout[] = [
  ['dense', 'strided', 0],
  ['varlen', 'strided', 0],
  ['varlen', 'paged', 0],
];

const selectedLayouts: readonly Layout[] = [
  ['dense', 'strided', 1],
  ['varlen', 'paged', 64],
];

// Integers come in pages only.
const layoutsOf = (type: KeyType, of = layouts): readonly Layout[] =>
  of.filter(([, keys]) => keys === 'paged' || !isQuantised(type));

const forwardLayouts = (type: KeyType): readonly Layout[] =>
  layoutsOf(type, [...layouts, ...selectedLayouts]);

// Matrices of f16 hold f16 only.
const typesOf = (tile: TileConfig): typeof types =>
  types.filter(([q, kv]) => {
    if (tile.path === 'integers') return isQuantised(kv);
    return tile.path !== 'matrix' || tile.components === 'f32' || (q === 'f16' && kv === 'f16');
  });

const rowKinds: readonly RowKind[] = ['head', 'group'];

const hooks: readonly VariantHooks[] = [
  variantHooks([]),
  variantHooks([band]),
  variantHooks([headScale, headSoftcap, alibi, band, dropHook]),
];

const dims: readonly (readonly [headDim: number, headDimV: number])[] = [
  [64, 64],
  [256, 40],
  [17, 5],
  [1, 2],
];

// What lists of selected keys change depends on few of these.
const hooksOf = (selectedBlock: number): typeof hooks => hooks.slice(selectedBlock > 0 ? -1 : 0);
const dimsOf = (selectedBlock: number): typeof dims => dims.slice(0, selectedBlock > 0 ? 1 : 4);

const isVector = (dim: number): boolean => dim % 4 === 0;

/** Wide loads are of halves, and on the decode path only. */
function forwardReads(
  headDims: readonly [number, number],
  { path }: TileConfig,
  ofTypes: readonly KeyType[],
): ReadAccess[] {
  const isEven = headDims.every((dim) => dim % 8 === 0);
  const isWide = path === 'decode' && ofTypes.some(isHalf) && isEven;
  return [...(isWide ? ['vec8' as const] : []), ...reads(headDims)];
}

function reads([d, dv]: readonly [number, number]): ReadAccess[] {
  return isVector(d) && isVector(dv) ? ['vec4', 'scalar'] : ['scalar'];
}

function writes(dv: number, out: FloatType): WriteAccess[] {
  const narrow = { f32: ['scalar'], f16: ['pair', 'scalar'], bf16: ['pair'] } as const;
  return isVector(dv) ? ['vec4', ...narrow[out]] : [...narrow[out]];
}

/** Every path × dtype × layout × access × rows × hooks × head dims: all that can shape the text of a forward kernel. */
export const forwardConfigs: readonly ForwardConfig[] = tiles.flatMap((tile) =>
  typesOf(tile).flatMap(([qType, kvType, outType]) =>
    forwardLayouts(kvType).flatMap(([lengths, keys, selectedBlock]) =>
      rowKinds.flatMap((rows) =>
        hooksOf(selectedBlock).flatMap((variant) =>
          dimsOf(selectedBlock).flatMap(([headDim, headDimV]) =>
            forwardReads([headDim, headDimV], tile, [qType, kvType]).flatMap((read) =>
              writes(headDimV, outType).map((write) => ({
                qType,
                kvType,
                outType,
                headDim,
                headDimV,
                lengths,
                keys,
                selectedBlock,
                read,
                write,
                rows,
                hooks: variant,
                tile,
              })),
            ),
          ),
        ),
      ),
    ),
  ),
);

/** Types of q and kv of a backward kernel, or of the result and the parts of a combine kernel. */
const typePairs: readonly (readonly [FloatType, FloatType])[] = [
  ['f32', 'f32'],
  ['f32', 'f16'],
  ['f16', 'f32'],
  ['f16', 'f16'],
  ['bf16', 'bf16'],
  ['bf16', 'f32'],
];

/** Every combine kernel of those head dims. */
export const combineConfigs: readonly CombineConfig[] = (
  ['splits', 'states', 'pair'] as const
).flatMap((source) =>
  typePairs.flatMap(([outType, partType]) =>
    dims.flatMap(([, headDimV]) =>
      reads([4, headDimV]).flatMap((read) =>
        writes(headDimV, outType).map((write) => ({
          headDimV,
          partType,
          outType,
          read,
          write,
          source,
        })),
      ),
    ),
  ),
);

/** Keys of their own, and those of several sequences, whose gradients are summed up afterwards. */
function resultTypes(of: GradientOf, q: FloatType, kv: FloatType): FloatType[] {
  if (of === 'tables') return ['f32'];
  return of === 'q' ? [q] : kv === 'f32' ? ['f32'] : [kv, 'f32'];
}

// The rows of dk and dv are keys, which have no lists.
const gradientLayouts = (of: GradientOf): readonly Layout[] =>
  of === 'kv' ? layouts : [...layouts, ...selectedLayouts];

const readingHooks = ({ scores }: VariantHooks): VariantHooks['scores'] =>
  scores.filter(({ gradient }) => gradient!.reads.length > 0);

/** Every gradient × dtype × layout × access × hooks × head dims of a backward kernel. */
const gradientsOf = (tile: TileConfig): BackwardConfig[] =>
  (['q', 'kv', 'tables'] as const).flatMap((of) =>
    typePairs.flatMap(([qType, kvType]) =>
      gradientLayouts(of).flatMap(([lengths, keys, selectedBlock]) =>
        // Gradients of tables need a hook that reads one.
        hooksOf(of === 'tables' ? 1 : selectedBlock).flatMap((variant) =>
          dimsOf(selectedBlock).flatMap(([headDim, headDimV]) =>
            reads([headDim, headDimV]).flatMap((read) =>
              resultTypes(of, qType, kvType).flatMap((resultType) =>
                (of === 'tables'
                  ? (['scalar'] as const)
                  : writes(of === 'q' ? headDim : headDim | headDimV, resultType)
                ).map((write) => ({
                  of,
                  qType,
                  kvType,
                  headDim,
                  headDimV,
                  lengths,
                  keys,
                  selectedBlock,
                  rows: selectedBlock > 0 ? ('group' as const) : ('head' as const),
                  read,
                  resultType,
                  write,
                  hooks: variant,
                  ...(of === 'tables' && { collects: readingHooks(variant) }),
                  tile,
                })),
              ),
            ),
          ),
        ),
      ),
    ),
  );

/** Every path, unrolled or not, with every gradient that it computes; of the matrix path only the longest hooks. */
export const backwardConfigs: readonly BackwardConfig[] = [
  ...gradientTiles.slice(0, 3).flatMap(gradientsOf),
  ...matrixGradientTiles
    .flatMap(gradientsOf)
    .filter(
      ({ of, qType, kvType, selectedBlock, hooks: { drop } }) =>
        of !== 'tables' && qType === 'f16' && kvType === 'f16' && selectedBlock === 0 && drop,
    ),
];

export const deltaConfigs: readonly DeltaConfig[] = floatTypes.flatMap((type) =>
  dims.flatMap(([, headDimV]) => reads([4, headDimV]).map((read) => ({ type, headDimV, read }))),
);

export const sumConfigs: readonly SumConfig[] = (['pages', 'batch'] as const).flatMap((owners) =>
  floatTypes.flatMap((resultType) =>
    dims.flatMap(([dim]) =>
      reads([4, dim]).flatMap((read) =>
        writes(dim, resultType).map((write) => ({ owners, dim, resultType, read, write })),
      ),
    ),
  ),
);

const indexerTile = (unroll: boolean): PortableTile => ({
  path: 'portable',
  threadsM: 8,
  rowsPerThread: 4,
  unroll,
});

/** Heads that fit a tile together, one head, and groups of heads; weights or none. */
const indexers = [
  { positions: 8, heads: 4, weightType: 'f16', inBlocks: true, tile: indexerTile(true) },
  { positions: 32, heads: 1, weightType: undefined, inBlocks: false, tile: indexerTile(false) },
  { positions: 1, heads: 32, weightType: 'f32', inBlocks: false, tile: indexerTile(false) },
] as const;

export const keyScoresConfigs: readonly KeyScoresConfig[] = types.flatMap(([qType, kType]) =>
  layoutsOf(kType).flatMap(([lengths, keys]) =>
    hooks.slice(1).flatMap((variant) =>
      [64, 17].flatMap((headDim) =>
        reads([headDim, headDim]).flatMap((read) =>
          indexers.map((indexer) => {
            const of = { qType, kType, headDim, lengths, keys, read, hooks: variant };
            return { ...of, ...indexer };
          }),
        ),
      ),
    ),
  ),
);

const plainPairWeights: readonly PairWeightsConfig[] = types.flatMap(([qType, kType]) =>
  layoutsOf(kType).flatMap(([lengths, keys, selectedBlock]) =>
    hooks.flatMap((variant) =>
      [64, 17].flatMap((headDim) =>
        reads([headDim, headDim]).flatMap((read) =>
          (['rows', 'keys'] as const).map((of) => {
            const layout = { lengths, keys, selectedBlock, rows: 'head' } as const;
            return { of, qType, kType, headDim, ...layout, read, hooks: variant };
          }),
        ),
      ),
    ),
  ),
);

/** Without lists of selected keys, and with both kinds of them. */
export const pairWeightsConfigs: readonly PairWeightsConfig[] = [
  ...plainPairWeights,
  ...selectedLayouts.flatMap(([lengths, keys, selectedBlock]) =>
    rowKinds.map((rows) => ({ ...plainPairWeights[0]!, lengths, keys, selectedBlock, rows })),
  ),
];

export const keySelectionConfigs: readonly KeySelectionConfig[] = layouts.flatMap(
  ([lengths, keys]) => [1, 32].map((positions) => ({ lengths, keys, positions })),
);

export const invertedConfigs: readonly InvertedConfig[] = layouts.flatMap(([lengths, keys]) =>
  [1, 16].map((selectedBlock) => ({ lengths, keys, selectedBlock })),
);

/** Every dtype × layout × access × hooks × head dims × kind of pass. */
export const selectedGradientConfigs: readonly SelectedGradientConfig[] = floatTypes.flatMap(
  (qType) =>
    layouts.flatMap(([lengths, keys]) =>
      hooks.flatMap((variant) =>
        dims.flatMap(([headDim, headDimV]) =>
          reads([headDim, headDimV]).flatMap((read) =>
            writes(headDim | headDimV, qType).flatMap((write) =>
              (['keys', 'chunks'] as const).map((of) => ({
                of,
                qType,
                kvType: qType,
                resultType: qType,
                headDim,
                headDimV,
                lengths,
                keys,
                read,
                write,
                hooks: variant,
                chained: of === 'keys',
                unroll: of === 'chunks',
                isOneMemory: keys === 'paged',
              })),
            ),
          ),
        ),
      ),
    ),
);
