import { sections, wgsl } from '@heed/core/kernel';
import { bracketed, each } from '../parts/repeat.ts';
import { gridMain, valueDim } from './grid-forward.wgsl.ts';
import type { ForwardConfig } from './kernel-config.ts';
import { keySide, type PortableTile, rowSide, type Side, tileArrays } from './portable-tile.ts';
import { stageKeys, stageRows } from './staging.wgsl.ts';
import { CHUNK, chunkLoop, type Dim, gridShape, localRow, THREADS_N } from './thread-grid.wgsl.ts';

/** Computes products of vectors, CHUNK elements of a head dim at a time. */
export function portableMain(config: ForwardConfig, tile: PortableTile): string {
  const { tileM, tileN } = gridShape(tile);
  const weights = tileM * THREADS_N;
  const { headDim, headDimV } = config;
  return gridMain(config, tile, {
    arrays: wgsl`
      ${tileArrays(tileM, tileN)}
      var<workgroup> weights: array<vec4<f32>, ${weights}>; // ${weights * 16} bytes
    `,
    functions: sections(
      stageRows({ name: 'q', dim: headDim, grid: tile, rows: tileM }, ' * q_scale()'),
      stageKeys({ name: 'k', dim: headDim, grid: tile, rows: tileN }),
      stageKeys({ name: 'v', dim: headDimV, grid: tile, rows: tileN }),
    ),
    dots: dotProducts(tile, 's', rowSide('q'), keySide('k'), {
      size: headDim,
      bound: 'params.q_vecs',
    }),
    keepWeights: (r) => `weights[${localRow(r)} * ${THREADS_N}u + column] = s${r};`,
    sums: weightedSums(tile, 'acc', keySide('v'), valueDim(config), (r) => ` * factor${r}`),
  });
}

export const lanes: ReturnType<typeof each> = each(4);

/**
 * Computes `<sum>r += own row r · the thread's 4 columns`, over a head dim. A barrier separates the uses of a tile; none
 * follows the last.
 */
export function dotProducts(
  { rowsPerThread, unroll }: PortableTile,
  sum: string,
  own: Side,
  other: Side,
  dim: Dim,
): string {
  const rows = each(rowsPerThread);
  const vecs = unroll ? `${Math.ceil(dim.size / 4)}u` : dim.bound;
  return wgsl`
    ${rows((r) => `var ${sum}${r} = vec4<f32>();`)}
    for (var chunk = 0u; chunk < ${vecs}; chunk += ${THREADS_N}u) {
      workgroupBarrier();
      ${own.stage('chunk * 4u')}
      ${other.stage('chunk * 4u')}
      workgroupBarrier();
      for (var d = 0u; d < ${unroll ? `${THREADS_N}u` : 'params.chunk_vecs'}; d++) {
        ${lanes((n) => `let ${other.name}${n} = ${other.tile}[${bracketed('column * 4u', n)} * STAGED + d];`)}
        ${rows(
          (r) => wgsl`
            let ${own.name}${r} = ${own.tile}[${localRow(r)} * STAGED + d];
            ${sum}${r} += vec4<f32>(${lanes((n) => `dot(${own.name}${r}, ${other.name}${n})`).join(', ')});
          `,
        )}
      }
    }
  `;
}

/**
 * Computes `<sum>r[chunk] = <sum>r[chunk] · factor + weights of row r · the other operand`, for each chunk of the head dim
 * in turn.
 */
export function weightedSums(
  tile: PortableTile,
  sum: string,
  other: Side,
  dim: Dim,
  factor: (r: number) => string = () => '',
): string {
  const { rowsPerThread, unroll } = tile;
  const rows = each(rowsPerThread);
  return chunkLoop(
    tile,
    dim,
    (c) => wgsl`
      workgroupBarrier();
      ${other.stage(`${c} * ${CHUNK}u`)}
      workgroupBarrier();
      ${rows((r) => `var sum${r} = ${sum}${r}[${c}]${factor(r)};`)}
      for (var i = 0u; i < ${unroll ? `${THREADS_N}u` : 'params.chunk_vecs'}; i++) {
        ${lanes((n) => `let ${other.name}${n} = ${other.tile}[${bracketed('i * 4u', n)} * STAGED + column];`)}
        ${rows(
          (r) => wgsl`
            let p${r} = weights[${localRow(r)} * ${THREADS_N}u + i];
            sum${r} += ${lanes((n) => `p${r}.${'xyzw'[n]} * ${other.name}${n}`).join(' + ')};
          `,
        )}
      }
      ${rows((r) => `${sum}${r}[${c}] = sum${r};`)}
    `,
  );
}
