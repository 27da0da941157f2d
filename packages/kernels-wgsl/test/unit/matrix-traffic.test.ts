import { describe, expect, it } from 'vitest';
import { backwardSource } from '../../src/text/kernels/backward.wgsl.ts';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import type { BackwardConfig, ForwardConfig } from '../../src/text/tiles/kernel-config.ts';
import { type MatrixTile, matrixThreads } from '../../src/text/tiles/matrix-geometry.ts';
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

/**
 * Counts from the text of a kernel whose loops are written out: one turn of its loop over tiles. The rescaling of results is left
 * out, because it is rare.
 */
function tileWork(code: string, tile: MatrixTile, loopOver: 'tile' | 'first_query'): TileWork {
  const indent = loopOver === 'tile' ? '  ' : '    ';
  const loop = new RegExp(`\\n${indent}for \\(var ${loopOver} = [^]*?\\n${indent}\\}\\n`).exec(
    code,
  )![0];
  const rare = `if \\((?:workgroupUniformLoad|seen > limit)[^]*?\\n${indent}  \\}\\n`;
  const body = loop.replace(new RegExp(`\\n${indent}  ${rare}`), '\n');
  expect(body !== loop).toBe(loop.includes('workgroupUniformLoad'));
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
    [/\b(?:\w+_tile|weights|gradients)\[.*\] = /g, 4 * component],
    [/\b(?:scores|slopes)\[.*\] = /g, 16],
    [/= (?:scores|slopes)\[/g, 16],
    // The word that asks for rescaling is read once.
    [/softmax_raise\(&state0|workgroupUniformLoad/g, 4],
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
  const work = tileWork(forwardSource(config).code, tile, 'tile');
  const { tileM, tileN } = tileShape(tile);
  return { ...work, bytesPerFlop: work.bytes / (4 * tileM * tileN * headDim) };
}

const products = { q: 3, kv: 4 } as const;

/** Of dq, or of dk and dv, for tensors of f16. */
function gradientWork(
  of: 'q' | 'kv',
  headDim: number,
  change: Partial<MatrixTile>,
): TileWork & { bytesPerFlop: number; needed: number } {
  const tile = { ...matrixTile, ...change };
  const halves = { qType: 'f16', kvType: 'f16', resultType: 'f16' } as const;
  const config: BackwardConfig = { ...plain, ...halves, of, headDim, headDimV: headDim, tile };
  const work = tileWork(backwardSource(config).code, tile, of === 'q' ? 'tile' : 'first_query');
  const { tileM, tileN } = tileShape(tile);
  const needed = tileM * tileN * products[of] * headDim;
  return { ...work, needed, bytesPerFlop: work.bytes / (2 * needed) };
}

describe('a key tile of the matrix path', () => {
  it.for([
    ['16 × 16 × 16 at 128', 128, {}],
    ['16 × 16 × 16 at 128, q in memory', 128, { keepsRows: false }],
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
    [80, { keepsRows: false }],
    [256, { sharing: 2, keepsRows: false }],
    [128, { M: 8, N: 8, K: 8, components: 'f32' }],
  ] as const)('multiplies nothing that the result does not need: %o', ([headDim, change]) => {
    const tile = { ...matrixTile, ...change };
    const { tileM, tileN } = tileShape(tile);
    expect(workOf(headDim, change).multiplyAdds).toBe(tileM * tileN * 2 * headDim);
  });
});

/** The defaults of GPUs with 48 KiB of workgroup memory. */
const narrow = { rowBlocks: 2, sharing: 2 } as const;
const wide = { subgroups: 8, sharing: 2 } as const;

describe('a tile of the matrix path in backward', () => {
  it.for([
    ['dq', '16 × 16 × 16 at 64', 'q', 64, narrow],
    ['dk and dv', '16 × 16 × 16 at 64', 'kv', 64, narrow],
    ['dq', '16 × 16 × 16 at 128', 'q', 128, {}],
    ['dk and dv', '16 × 16 × 16 at 128', 'kv', 128, wide],
    ['dk and dv', '16 × 8 × 16 at 128', 'kv', 128, { ...wide, N: 8 }],
  ] as const)('moves at most 1/8 byte per operation: %s, %s', ([, , of, headDim, tile]) => {
    expect(gradientWork(of, headDim, tile).bytesPerFlop).toBeLessThanOrEqual(1 / 8);
  });

  it('moves what its operands, scores, slopes, weights and gradients take', () => {
    const [keys, queries, subgroups] = [64, 32, 8];
    const staged = 2 * queries * 128 * 2;
    // Of each operand, a subgroup multiplies half the rows in two products, and half the columns in two.
    const operands = (subgroups * 4 * queries * 128 * 2) / 2;
    const passed = 2 * 2 * keys * queries * 4;
    const returned = 2 * keys * queries * 2 * (1 + 2);
    expect(gradientWork('kv', 128, wide).bytes).toBe(
      staged + operands + passed + returned + 256 * 4,
    );
  });

  it.for([
    ['q', 64, narrow],
    ['kv', 64, narrow],
    ['q', 128, {}],
    ['kv', 128, wide],
    ['q', 80, { keepsRows: false }],
    ['kv', 64, { M: 8, N: 8, K: 8, components: 'f32' }],
  ] as const)(
    'multiplies nothing that the gradients do not need: d%s at %i, %o',
    ([of, d, tile]) => {
      const { multiplyAdds, needed } = gradientWork(of, d, tile);
      expect(multiplyAdds).toBe(needed);
    },
  );
});
