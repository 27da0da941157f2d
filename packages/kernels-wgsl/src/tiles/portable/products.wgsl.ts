import { wgsl } from '@heed/core/kernel';
import { each } from '../../wgsl/each.ts';
import { bracketed } from '../../wgsl/plus.ts';
import { CHUNK, THREADS_N } from '../grid/config.ts';
import { chunkLoop, type Dim, localRow } from '../grid/threads.wgsl.ts';
import type { PortableTile } from './config.ts';
import type { Side } from './sides.wgsl.ts';

const lanes = each(4);

/** `<sum>r += own row r · the thread's 4 columns`, over a head dim. Leaves a barrier between the tiles' uses, none behind. */
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

/** `<sum>r[chunk] = <sum>r[chunk] · factor + weights of row r · the other side`, a chunk of its head dim after another. */
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
