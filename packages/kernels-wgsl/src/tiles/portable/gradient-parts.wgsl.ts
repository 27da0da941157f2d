import { wgsl, type WgslPart } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { hasSlopes } from '../../hooks/contract.ts';
import { each } from '../../wgsl/each.ts';
import { plus } from '../../wgsl/plus.ts';
import { THREADS_N } from '../grid/config.ts';
import type { Dim } from '../grid/threads.wgsl.ts';
import type { TileScore } from '../scores.wgsl.ts';
import type { PortableTile } from './config.ts';
import { dotProducts } from './products.wgsl.ts';
import { keySide, rowSide } from './sides.wgsl.ts';

/** The thread's place: its four columns of the tile, and its rows. */
export const ownRows = ({ rowsPerThread }: PortableTile): string => wgsl`
  let column = thread % ${THREADS_N}u;
  let first_row = thread / ${THREADS_N}u${rowsPerThread > 1 && ` * ${rowsPerThread}u`};
`;

/** The row and key of the score of row r and column n. */
export const keyAt = (r: number, n: number): Pick<TileScore, 'row' | 'key'> => ({
  row: `row${r}`,
  key: plus('key', n, ''),
});

/** A thread's dot products of its queries with a tile's keys (s), and of their output gradients with its values (dp). */
export const rowProducts = (config: BackwardConfig, tile: PortableTile): string => wgsl`
  ${dotProducts(tile, 's', rowSide('q'), keySide('k'), qDim(config))}
  ${dotProducts(tile, 'dp', rowSide('dout'), keySide('v'), vDim(config))}

  let key = i32(first_key + column * 4u);
`;

/** The slopes of a thread's scores, where hooks change scores. */
export const slopes = ({ hooks }: BackwardConfig, { rowsPerThread }: PortableTile): WgslPart =>
  hasSlopes(hooks) && each(rowsPerThread)((r) => `var slope${r} = vec4<f32>(1.0);`);

/** The slope of the score of row r and column n, or 1. */
export const slopeOf = ({ hooks }: BackwardConfig, r: number, n: number): string =>
  hasSlopes(hooks) ? `slope${r}[${n}]` : '1.0';

/** Head dims, in vectors and in chunks, with the parameters that bound their loops. */
export const qDim = ({ headDim }: BackwardConfig): Dim => ({
  size: headDim,
  bound: 'params.q_vecs',
});
export const vDim = ({ headDimV }: BackwardConfig): Dim => ({
  size: headDimV,
  bound: 'params.v_vecs',
});
export const qChunks = ({ headDim }: BackwardConfig): Dim => ({
  size: headDim,
  bound: 'params.q_chunks',
});
export const vChunks = ({ headDimV }: BackwardConfig): Dim => ({
  size: headDimV,
  bound: 'params.v_chunks',
});
