import { sections, wgsl } from '@heed/core/kernel';
import type { ForwardConfig } from '../../config/forward.ts';
import { gridShape, gridThreads, THREADS_N } from '../grid/config.ts';
import { gridMain, valueDim } from '../grid/forward.wgsl.ts';
import { stageKeys, stageRows } from '../grid/staging.wgsl.ts';
import { localRow } from '../grid/threads.wgsl.ts';
import type { PortableTile } from './config.ts';
import { dotProducts, weightedSums } from './products.wgsl.ts';
import { keySide, rowSide, tileArrays } from './sides.wgsl.ts';

/** Products of vectors, CHUNK elements of a head dim at a time. */
export function portableMain(config: ForwardConfig, tile: PortableTile): string {
  const { tileM, tileN } = gridShape(tile);
  const threads = gridThreads(tile);
  const weights = tileM * THREADS_N;
  const { headDim, headDimV } = config;
  return gridMain(config, tile, {
    arrays: wgsl`
      ${tileArrays(tileM, tileN)}
      var<workgroup> weights: array<vec4<f32>, ${weights}>; // ${weights * 16} bytes
    `,
    functions: sections(
      stageRows({ name: 'q', dim: headDim, threads }, ' * q_scale()'),
      stageKeys({ name: 'k', dim: headDim, threads }),
      stageKeys({ name: 'v', dim: headDimV, threads }),
    ),
    dots: dotProducts(tile, 's', rowSide('q'), keySide('k'), {
      size: headDim,
      bound: 'params.q_vecs',
    }),
    keepWeights: (r) => `weights[${localRow(r)} * ${THREADS_N}u + column] = s${r};`,
    sums: weightedSums(tile, 'acc', keySide('v'), valueDim(config), (r) => ` * factor${r}`),
  });
}
