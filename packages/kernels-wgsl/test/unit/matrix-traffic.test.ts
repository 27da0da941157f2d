import { describe, expect, it } from 'vitest';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import type { ForwardConfig } from '../../src/text/tiles/kernel-config.ts';
import { type MatrixTile, matrixThreads } from '../../src/text/tiles/matrix-tile.ts';
import { tileShape } from '../../src/text/tiles/tile-paths.ts';
import { matrixTile, plain } from './kernel-configs.ts';

/** What a workgroup does for one key tile. */
interface TileWork {
  /** Bytes of workgroup memory that all threads load and store. */
  readonly bytes: number;
  /** Multiply-adds of matrix operations. */
  readonly multiplyAdds: number;
}

const sizes = { f16: 2, f32: 4 } as const;

/** Counts from the text of a kernel whose loops are written out. The rescaling of the output is left out, because it is rare. */
function tileWork(code: string, tile: MatrixTile): TileWork {
  const loop = /\n {2}for \(var tile = [^]*?\n {2}\}\n/.exec(code)![0];
  const body = loop.replace(/\n {4}if \(workgroupUniformLoad[^]*?\n {4}\}\n/, '\n');
  expect(body).not.toBe(loop);
  expect(body.match(/\bfor \(/g)).toHaveLength(1);
  const { M, N, K, components, subgroups } = tile;
  const threads = matrixThreads(tile);
  const component = sizes[components];
  const count = (pattern: RegExp): number => body.match(pattern)?.length ?? 0;
  const matrices = [
    [/subgroupMatrixLoad<subgroup_matrix_left/g, M * K * component],
    [/subgroupMatrixLoad<subgroup_matrix_right/g, K * N * component],
    [/subgroupMatrixStore</g, M * N * sizes.f32],
  ] as const;
  const vectors = [
    [/\b(?:kv_tile|weights)\[.*\] = /g, 4 * component],
    [/\bscores\[.*\] = /g, 16],
    [/= scores\[/g, 16],
    // The flag that asks for rescaling is read once.
    [/softmax_raise\(&state0/g, 4],
  ] as const;
  const bytes = (all: readonly (readonly [RegExp, number])[]): number =>
    all.reduce((sum, [pattern, size]) => sum + count(pattern) * size, 0);
  return {
    bytes: bytes(matrices) * subgroups + bytes(vectors) * threads,
    multiplyAdds: count(/subgroupMatrixMultiplyAccumulate\(/g) * M * N * K * subgroups,
  };
}

function workOf(headDim: number, change: Partial<MatrixTile>): TileWork & { bytesPerFlop: number } {
  const tile = { ...matrixTile, ...change };
  const type = tile.components;
  const config: ForwardConfig = {
    ...plain,
    qType: type,
    kvType: type,
    outType: type,
    headDim,
    headDimV: headDim,
    tile,
  };
  const work = tileWork(forwardSource(config).code, tile);
  const { tileM, tileN } = tileShape(tile);
  return { ...work, bytesPerFlop: work.bytes / (4 * tileM * tileN * headDim) };
}

describe('a key tile of the matrix path', () => {
  it.for([
    ['16 × 16 × 16 at 128', 128, {}],
    ['16 × 16 × 16 at 128, q in memory', 128, { keepsQuery: false }],
    ['16 × 16 × 16 at 64', 64, { rowBlocks: 2 }],
    ['16 × 8 × 16 at 128', 128, { N: 8 }],
    ['8 × 8 × 8 at 128', 128, { M: 8, N: 8, K: 8, rowBlocks: 2 }],
  ] as const)('moves at most 1/8 byte per operation: %s', ([, headDim, tile]) => {
    expect(workOf(headDim, tile).bytesPerFlop).toBeLessThanOrEqual(1 / 8);
  });

  it('moves what its operands and scores take, with matrices of 16 × 16 × 16 at 128', () => {
    const staged = 2 * 32 * 128 * 2;
    const operands = 4 * staged;
    const scores = 2 * 64 * 32 * (4 + 2);
    expect(workOf(128, {}).bytes).toBe(staged + operands + scores + 128 * 4);
  });

  it.for([
    [128, {}],
    [64, { rowBlocks: 2 }],
    [80, { keepsQuery: false }],
    [256, { sharing: 2, keepsQuery: false }],
    [128, { M: 8, N: 8, K: 8, components: 'f32' }],
  ] as const)('multiplies nothing that the result does not need: %o', ([headDim, change]) => {
    const tile = { ...matrixTile, ...change };
    const { tileM, tileN } = tileShape(tile);
    expect(workOf(headDim, change).multiplyAdds).toBe(tileM * tileN * 2 * headDim);
  });
});
