import { wgsl, type WgslPart } from '@heed/core/kernel';
import { addDot } from '../parts/chained-products.wgsl.ts';
import { bracketed, each, plus } from '../parts/repeat.ts';
import type { KeyTiles } from './kernel-config.ts';
import type { PortableTile } from './portable-tile.ts';
import {
  CHUNK,
  chunkLoop,
  type Dim,
  gridThreads,
  localRow,
  THREADS_N,
} from './thread-grid.wgsl.ts';

export const lanes: ReturnType<typeof each> = each(4);

/** A tile in workgroup memory, and the call that fills it from `chunk` on. */
export interface Side {
  readonly name: string;
  readonly tile: 'q_tile' | 'kv_tile';
  readonly stage: (chunk: string) => string;
}

/** Returns the query rows as one operand of a product. */
export function rowSide(name: string): Side {
  return { name, tile: 'q_tile', stage: (chunk) => `stage_${name}(work, ${chunk}, thread);` };
}

/** Returns the keys as one operand of a product. */
export function keySide(name: string, config?: KeyTiles): Side {
  const keys = config && config.selectedBlock > 0 ? '' : ' first_key,';
  return {
    name,
    tile: 'kv_tile',
    stage: (chunk) => `stage_${name}(work.seq, head,${keys} ${chunk}, thread);`,
  };
}

/** Declares the keys of a tile of selected keys, in workgroup memory. */
export const tileKeys = ({ selectedBlock }: KeyTiles): string | false =>
  selectedBlock > 0 && 'var<workgroup> tile_keys: array<i32, TILE_N>;';

/** Returns the statements that look up the keys of a tile of selected keys. A barrier must follow them. */
export function fillKeys(tile: PortableTile, { selectedBlock }: KeyTiles): WgslPart {
  return (
    selectedBlock > 0 &&
    wgsl`
      workgroupBarrier();
      for (var i = thread; i < TILE_N; i += ${gridThreads(tile)}u) {
        tile_keys[i] = selected_key(work, first_entry + i);
      }
    `
  );
}

/** Declares the keys of the thread's columns: `key0` to `key3`. */
export const columnKeys = ({ selectedBlock }: KeyTiles): string[] =>
  lanes((n) =>
    selectedBlock > 0
      ? `let key${n} = tile_keys[${columnItem(n)}];`
      : `let key${n} = i32(first_key + ${columnItem(n)});`,
  );

/** Declares the tiles in workgroup memory, query rows and keys, and the functions that multiply their vectors. */
export function tileArrays(tileM: number, tileN: number): string {
  const array = (name: string, rows: number): string => {
    const length = rows * (THREADS_N + 1);
    return `var<workgroup> ${name}: array<vec4<f32>, ${length}>; // ${length * 16} bytes`;
  };
  return wgsl`
    // A padded row of ${THREADS_N + 1} vectors keeps neighbouring rows in different banks.
    const STAGED = ${THREADS_N + 1}u;
    ${array('q_tile', tileM)}
    ${array('kv_tile', tileN)}

    ${addDot}

    fn add_scaled(sum: vec4<f32>, factor: f32, x: vec4<f32>) -> vec4<f32> {
      return fma(vec4<f32>(factor), x, sum);
    }
  `;
}

/**
 * Declares the thread's column and its first row. Of neighbouring threads, two share a column and the next two a row, so that
 * both operands of a product are read at one address by two threads: some memories serve these at twice the rate.
 */
export function threadPlace({ rowsPerThread }: PortableTile): string {
  const row = `thread % 2u + thread / ${2 * THREADS_N}u * 2u`;
  return wgsl`
    let column = thread / 2u % ${THREADS_N}u;
    let first_row = ${rowsPerThread > 1 ? `(${row}) * ${rowsPerThread}u` : row};
  `;
}

/** Returns item n of the thread's four in a tile's other side: threads of neighbouring columns read neighbouring rows. */
export const columnItem = (n: number): string => plus('column', n * THREADS_N);

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
  // Compilers cannot tell the trip count of a loop that counts in steps of 8, and leave it rolled. Unrolled, dk and dv of head
  // dim 128 spilled 65 registers on RDNA3.
  const vecs = unroll ? `${Math.ceil(dim.size / 4)}u` : dim.bound;
  return wgsl`
    ${rows((r) => `var ${sum}${r} = vec4<f32>();`)}
    for (var chunk = 0u; chunk < ${vecs}; chunk += ${THREADS_N}u) {
      workgroupBarrier();
      ${own.stage('chunk * 4u')}
      ${other.stage('chunk * 4u')}
      workgroupBarrier();
      for (var d = 0u; d < ${unroll ? `${THREADS_N}u` : 'params.chunk_vecs'}; d++) {
        ${lanes((n) => `let ${other.name}${n} = ${other.tile}[${bracketed('column', n * THREADS_N)} * STAGED + d];`)}
        ${rows(
          (r) => wgsl`
            let ${own.name}${r} = ${own.tile}[${localRow(r)} * STAGED + d];
            ${lanes((n) => `${sum}${r}[${n}] = add_dot(${sum}${r}[${n}], ${own.name}${r}, ${other.name}${n});`)}
          `,
        )}
      }
    }
  `;
}

/**
 * Stores the thread's weights of its row r in the tile of its own side, which is not in use between the products.
 * @param weights the name of the vectors that hold them, without r
 */
export function keepWeights(own: Side['tile'], r: number, weights: string = 's'): string {
  return `${own}[${localRow(r)} * STAGED + column] = ${weights}${r};`;
}

/**
 * Computes `<sum>r[chunk] = <sum>r[chunk] · factor + weights of row r · the other operand`, for each chunk of the head dim
 * in turn. `own` holds the weights.
 */
export function weightedSums(
  tile: PortableTile,
  sum: string,
  own: Side['tile'],
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
        ${lanes((n) => `let ${other.name}${n} = ${other.tile}[${bracketed('i', n * THREADS_N)} * STAGED + column];`)}
        ${rows(
          (r) => wgsl`
            let p${r} = ${own}[${localRow(r)} * STAGED + i];
            ${lanes((n) => `sum${r} = add_scaled(sum${r}, p${r}[${n}], ${other.name}${n});`)}
          `,
        )}
      }
      ${rows((r) => `${sum}${r}[${c}] = sum${r};`)}
    `,
  );
}
