import { sections } from '@heed/core/kernel';
import { gridMain, valueDim } from './grid-forward.wgsl.ts';
import type { ForwardConfig } from './kernel-config.ts';
import {
  columnItem,
  dotProducts,
  keepWeights,
  keySide,
  rowSide,
  threadPlace,
  tileArrays,
  weightedSums,
} from './portable-products.wgsl.ts';
import type { PortableTile } from './portable-tile.ts';
import { stageKeys, stageRows } from './staging.wgsl.ts';
import { gridShape } from './thread-grid.wgsl.ts';

/** Computes products of vectors, CHUNK elements of a head dim at a time. */
export function portableMain(config: ForwardConfig, tile: PortableTile): string {
  const { tileM, tileN } = gridShape(tile);
  const { headDim, headDimV, qType, kvType, read } = config;
  const ofRows = { type: qType, access: read, grid: tile, rows: tileM };
  const ofKeys = { type: kvType, access: read, grid: tile, rows: tileN };
  return gridMain(config, tile, {
    place: threadPlace(tile),
    key: columnItem,
    arrays: tileArrays(tileM, tileN),
    functions: sections(
      stageRows({ name: 'q', dim: headDim, ...ofRows }, ' * q_scale()'),
      stageKeys({ name: 'k', dim: headDim, ...ofKeys }),
      stageKeys({ name: 'v', dim: headDimV, ...ofKeys }),
    ),
    dots: dotProducts(tile, 's', rowSide('q'), keySide('k'), {
      size: headDim,
      bound: 'params.q_vecs',
    }),
    keepWeights: (r) => keepWeights('q_tile', r),
    sums: weightedSums(
      tile,
      'acc',
      'q_tile',
      keySide('v'),
      valueDim(config),
      (r) => ` * factor${r}`,
    ),
  });
}
