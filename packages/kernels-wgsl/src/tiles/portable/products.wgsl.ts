import { wgsl } from '@heed/core/kernel';
import { each } from '../../wgsl/each.ts';
import { loop } from '../../wgsl/loop.ts';
import { bracketed } from '../../wgsl/plus.ts';
import type { EachScore, TileScore } from '../scores.wgsl.ts';
import { CHUNK, type PortableTile, THREADS_N } from './config.ts';

/** A tile in workgroup memory, and the call that fills it from `chunk` on. */
export interface Side {
  readonly name: string;
  readonly tile: 'q_tile' | 'kv_tile';
  readonly stage: (chunk: string) => string;
}

const lanes = each(4);

/** A thread's own row within the tile. */
export const localRow = (r: number): string => bracketed('first_row', r);

/** `<sum>r += own row r · the thread's 4 columns`, over a head dim. Leaves a barrier between the tiles' uses, none behind. */
export function dotProducts(
  { rowsPerThread, unroll }: PortableTile,
  sum: string,
  own: Side,
  other: Side,
  dim: { readonly size: number; readonly bound: string },
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
  { rowsPerThread, unroll }: PortableTile,
  sum: string,
  other: Side,
  dim: { readonly size: number; readonly bound: string },
  factor: (r: number) => string = () => '',
): string {
  const rows = each(rowsPerThread);
  const chunks = { unroll, index: 'chunk', count: Math.ceil(dim.size / CHUNK), bound: dim.bound };
  return loop(
    chunks,
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

/** The thread's columns of each own row, chunk by chunk: `store` gets the element `d` and the sum. */
export function storeChunks(
  { unroll }: PortableTile,
  sum: string,
  dim: { readonly size: number; readonly bound: string },
  store: (sum: string) => string,
): string {
  const chunks = { unroll, index: 'chunk', count: Math.ceil(dim.size / CHUNK), bound: dim.bound };
  return loop(
    chunks,
    (c) => wgsl`
      let d = ${c} * ${CHUNK}u + column * 4u;
      if (d < ${dim.size}u) {
        ${store(`${sum}[${c}]`)}
      }
    `,
  );
}

/** Repeats a statement for the thread's scores: a vector of four for each of its rows. */
export const eachScore =
  (
    { rowsPerThread }: PortableTile,
    where: (r: number, n: number) => Pick<TileScore, 'row' | 'key'>,
  ): EachScore =>
  (statement) =>
    each(rowsPerThread)((r) =>
      lanes((n) => statement({ score: `s${r}[${n}]`, slope: `slope${r}[${n}]`, ...where(r, n) })),
    ).join('\n');
