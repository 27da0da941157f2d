import { sections, wgsl } from '@heed/core/kernel';
import { dropWeight } from '../parts/dropped-weights.wgsl.ts';
import { each, loop, plus } from '../parts/repeat.ts';
import { type EachScore, tileScores } from '../parts/score-chain.wgsl.ts';
import type { ForwardConfig } from './kernel-config.ts';
import {
  loadMatrix,
  matrixType,
  multiplyAdd,
  rowAt,
  storeMatrix,
  sumOf,
  times,
} from './matrix-operations.wgsl.ts';
import {
  eachChunk,
  partOffset,
  passesOf,
  passPlace,
  passResult,
  passVector,
  threadPlace,
  tileRow,
} from './matrix-passes.wgsl.ts';
import { loadKeys, type StagedRows, staging } from './matrix-staging.wgsl.ts';
import {
  dimMatrices,
  matrixArrays,
  matrixStrides,
  type MatrixTile,
  matrixThreads,
  threadRows,
  TILE_N,
} from './matrix-tile.ts';
import { entryPoint, keyTileLoop } from './tile-loops.wgsl.ts';

const lanes = each(4);

/**
 * Computes products with subgroup matrices. q and the output stay in matrices, whose rows no thread can access. So the
 * scores pass through workgroup memory to the threads, which apply hooks and softmax, and return as weights. The output
 * takes that way only when a row's maximum has grown so much that its sums must be rescaled.
 */
export function matrixMain(config: ForwardConfig, tile: MatrixTile): string {
  const { hooks, headDimV } = config;
  const { k, v } = stagedTensors(config, tile);
  const rows = each(threadRows(tile));
  const isRounded = tile.components === 'f16';
  const keys = staging(tile, k, (i) => `staged_k(work.seq, head, first_key, ${i})`);
  const values = staging(tile, v, (i) => `staged_v(work.seq, head, first_key, ${i})`);
  const output = { name: 'acc', ...outputColumns(config, tile) };
  const body = wgsl`
    ${threadPlace(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, work.first_row + ${tileRow(tile, r)});
        var state${r} = softmax_init();
        ${isRounded && `var held${r} = 0.0;`}
      `,
    )}
    ${loadQuery(config, tile)}
    var acc = array<${matrixType(tile, 'result')}, ${tile.rowBlocks * output.count}>();

    ${keyTileLoop(
      config,
      wgsl`
        ${keys.loads}
        workgroupBarrier();
        ${keys.stores}
        if (thread == 0u) {
          atomicStore(&grown, 0u);
        }
        workgroupBarrier();
        ${multiplyKeys(config, tile)}
        ${values.loads}

        let key = i32(first_key + column * 4u);
        ${tileScores(hooks, eachScore(rows))}
        ${rows((r) => `let factor${r} = softmax_raise(&state${r}, row_max(s${r}));`)}
        if (${minimum(rows((r) => `factor${r}`))} < 1.0) {
          atomicStore(&grown, 1u);
        }
        // Rows that need no other factor pass with 1, so that their bits do not depend on the rest of the tile.
        if (workgroupUniformLoad(&grown) != 0u) {
          ${passResult(tile, output, (r) => `${passVector(tile, r)} *= factor${r};`, true)}
        }
        ${rows(
          (r) => wgsl`
            ${lanes((n) => `s${r}[${n}] = softmax_weight(s${r}[${n}], state${r}.row_max);`)}
            // A thread sums its own keys only; the lanes of a row meet in the end.
            state${r}.row_sum += s${r}.x + s${r}.y + s${r}.z + s${r}.w;
            ${isRounded && roundWeights(r)}
            ${lanes((n) => dropWeight(hooks, `s${r}[${n}]`, { dropKey: `row${r}.drop_key`, key: plus('key', n, '') }))}
            ${isRounded ? `weights[${rowAt(tileRow(tile, r), 'SCORED')} + column] = vec4<f16>(s${r});` : `${passVector(tile, r)} = s${r};`}
          `,
        )}
        ${values.stores}
        workgroupBarrier();
        ${multiplyValues(config, tile)}
      `,
    )}

    ${rows(
      (r) => wgsl`
        state${r}.row_sum = row_sum(state${r}.row_sum);
        ${isRounded && `let unrounded${r} = state${r}.row_sum / max(row_sum(held${r}), 1.0e-37);`}
        let norm${r} = finish_row(&state${r}, row${r}, work.split)${isRounded && ` * unrounded${r}`};
        if (column == 0u && work.first_row + ${tileRow(tile, r)} < work.rows) {
          write_lse(state${r}, row${r}, work.split);
        }
      `,
    )}
    workgroupBarrier();
    ${passResult(
      tile,
      output,
      (r, d) => wgsl`
        if (work.first_row + ${tileRow(tile, r)} < work.rows${headDimV % TILE_N > 0 && ` && ${d} < ${headDimV}u`}) {
          write_out(out_row_offset(row${r}, work.split), ${d}, ${passVector(tile, r)} * norm${r});
        }
      `,
    )}
  `;
  const threads = matrixThreads(tile);
  const workgroup = tile.isPinned ? { threads, subgroupSize: tile.subgroupSize } : threads;
  const lane = { name: 'lane', builtin: 'subgroup_invocation_id' };
  const subgroup = { name: 'subgroup', builtin: 'subgroup_id' };
  return sections(
    arrays(config, tile),
    loadKeys(tile, k),
    loadKeys(tile, v),
    lazySoftmax,
    isRounded && heldPart,
    entryPoint(config, workgroup, lane, body, subgroup),
  );
}

function stagedTensors(config: ForwardConfig, tile: MatrixTile): Record<'k' | 'v', StagedRows> {
  const { headDim, headDimV } = config;
  const { q, v } = dimMatrices(config, tile);
  return {
    k: { name: 'k', dim: headDim, vecs: (q * tile.K) / 4 },
    v: { name: 'v', dim: headDimV, vecs: (v * tile.N) / 4 },
  };
}

function arrays(config: ForwardConfig, tile: MatrixTile): string {
  const lengths = matrixArrays(config, tile);
  const strides = matrixStrides(config, tile);
  const array = (name: keyof typeof lengths, type: 'f16' | 'f32'): string => {
    const bytes = lengths[name] * (type === 'f16' ? 8 : 16);
    return `var<workgroup> ${name}: array<vec4<${type}>, ${lengths[name]}>; // ${bytes} bytes`;
  };
  return wgsl`
    // Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
    // different banks.
    const STAGED = ${strides.staged}u;
    const SCORED = ${strides.scores}u;
    ${lengths.q_tile > 0 && array('q_tile', tile.components)}
    ${array('kv_tile', tile.components)}
    ${array('scores', 'f32')}
    ${lengths.weights > 0 && array('weights', 'f16')}
    // Whether a row of the tile needs a new reference.
    var<workgroup> grown: atomic<u32>;
  `;
}

// With GROWTH, weights are at most 2¹⁵, which f16 holds. With ROOM, the smallest that f16 holds are 2⁻²⁹ of the row's largest.
const lazySoftmax = wgsl`
  // Weights are relative to a reference, which changes when the row's maximum exceeds it by more than GROWTH. Then the
  // maximum is ROOM above it.
  const GROWTH = 15.0;
  const ROOM = 5.0;

  // Takes in a tile's maximum. Returns what earlier sums must be multiplied by: 1 unless there are any, and the reference
  // changes. All lanes of a row get the same. \`row_max\` is the reference, \`key_max\` the maximum.
  fn softmax_raise(state: ptr<function, Softmax>, tile_max: f32) -> f32 {
    (*state).key_max = max((*state).key_max, tile_max);
    if ((*state).key_max - max((*state).row_max, -HIGHEST) <= GROWTH) {
      return 1.0;
    }
    let reference = (*state).key_max - ROOM;
    let factor = select(1.0, softmax_weight((*state).row_max, reference), (*state).row_max > SEEN);
    (*state).row_max = reference;
    (*state).row_sum *= factor;
    return factor;
  }

  // The 8 lanes of a row are neighbours.
  fn row_max(x: vec4<f32>) -> f32 {
    var most = max(max(x.x, x.y), max(x.z, x.w));
    most = max(most, subgroupShuffleXor(most, 1u));
    most = max(most, subgroupShuffleXor(most, 2u));
    return max(most, subgroupShuffleXor(most, 4u));
  }

  fn row_sum(x: f32) -> f32 {
    var sum = x + subgroupShuffleXor(x, 1u);
    sum += subgroupShuffleXor(sum, 2u);
    return sum + subgroupShuffleXor(sum, 4u);
  }
`;

// Rounded in integers, because compilers (Mesa's, for one) may remove a conversion to f16 and back.
const heldPart = wgsl`
  // What f16 holds of weights. The output is divided by the sum of that, so that rounding down has no effect on its mean.
  fn held(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) & vec4<u32>(0xffffe000u));
  }
`;

const roundWeights = (r: number): string => wgsl`
  s${r} = held(s${r});
  held${r} = held${r} * factor${r} + s${r}.x + s${r}.y + s${r}.z + s${r}.w;
`;

function minimum(names: readonly string[]): string {
  return names.reduce((a, b) => `min(${a}, ${b})`);
}

const eachScore =
  (rows: ReturnType<typeof each>): EachScore =>
  (statement) =>
    rows((r) =>
      lanes((n) =>
        statement({
          score: `s${r}[${n}]`,
          scoreDerivative: `score_derivative${r}[${n}]`,
          row: `row${r}`,
          key: plus('key', n, ''),
        }),
      ),
    ).join('\n');

const innerBound = ({ K }: MatrixTile): string => `(params.q_vecs * 4u + ${K - 1}u) / ${K}u`;

/** Returns the number of a subgroup's matrices across the output. */
function outputColumns(
  config: ForwardConfig,
  tile: MatrixTile,
): { readonly count: number; readonly bound: string } {
  const width = tile.N * tile.sharing;
  return {
    count: dimMatrices(config, tile).v / tile.sharing,
    bound: `((params.v_vecs * 4u + ${width - 1}u) / ${width}u)`,
  };
}

/**
 * Loads the tile's rows of q. Those of a subgroup stay in matrices: `query`, one array for each block. They pass through the
 * memory of the weights, 32 columns at a time. Without `keepsQuery`, all stay in `q_tile`.
 */
function loadQuery(config: ForwardConfig, tile: MatrixTile): string {
  const { headDim } = config;
  const { K, M, rowBlocks, components, keepsQuery } = tile;
  const count = dimMatrices(config, tile).q;
  const passing = components === 'f16' ? 'weights' : 'scores';
  const [array, stride] = keepsQuery ? [passing, 'SCORED'] : ['q_tile', 'STAGED'];
  const type = `vec4<${components}>`;
  const last = Math.ceil(headDim / 4) * 4 - 4;
  const isWhole = headDim % TILE_N === 0;
  const read = (r: number, d: string): string => {
    const x = `read_q(q_row_offset(row${r}), ${isWhole ? d : `min(${d}, ${last}u)`})`;
    const converted = components === 'f16' ? `${type}(${x})` : `${x} * q_scale()`;
    return isWhole ? converted : `select(${type}(), ${converted}, ${d} < ${headDim}u)`;
  };
  const rows = each(threadRows(tile));
  const size = { count, across: TILE_N / K, bound: innerBound(tile) };
  return wgsl`
    ${keepsQuery && `var query = array<${matrixType(tile, 'left')}, ${rowBlocks * count}>();`}
    ${eachChunk(tile, size, (chunk, columns) => {
      const d = sumOf(times(chunk, TILE_N), 'column * 4u');
      const column = keepsQuery ? 'column' : sumOf(times(chunk, TILE_N / 4), 'column');
      const stored = rows(
        (r) => `${array}[${rowAt(tileRow(tile, r), stride)} + ${column}] = ${read(r, d)};`,
      );
      if (!keepsQuery) return stored.join('\n');
      return wgsl`
        workgroupBarrier();
        ${stored}
        workgroupBarrier();
        ${columns((inner, matrix) =>
          each(rowBlocks)((b) => {
            const at = sumOf(rowAt(plus('own_rows', b * M), stride), times(inner, K / 4));
            const place = { array, at, stride };
            return `query[${sumOf(`${b * count}u`, matrix)}] = ${loadMatrix(tile, 'left', place)};`;
          }).join('\n'),
        )}
      `;
    })}
  `;
}

/** Computes the tile's scores, and gives them to the threads: `s<r>`, a vector of 4 keys for each row r. */
function multiplyKeys(config: ForwardConfig, tile: MatrixTile): string {
  const { N, K, M, unroll, rowBlocks, sharing, components, keepsQuery } = tile;
  const count = dimMatrices(config, tile).q;
  const keysOfPart = TILE_N / sharing;
  const across = keysOfPart / N;
  const blocks = each(rowBlocks);
  const scale = components === 'f16' ? ' * q_scale()' : '';
  const sum = (b: number, column: string): string => `sums[${sumOf(`${b * across}u`, column)}]`;
  const columns = (text: (column: string) => string | readonly string[]): string =>
    loop(
      {
        unroll,
        index: 'outer',
        count: across,
        bound: `params.chunk_vecs * ${4 / sharing}u / ${N}u`,
      },
      (column) => [text(column)].flat().join('\n'),
    );
  const queryOf = (b: number, inner: string): string => {
    if (keepsQuery) return `query[${sumOf(`${b * count}u`, inner)}]`;
    const at = sumOf(rowAt(plus('own_rows', b * M), 'STAGED'), times(inner, K / 4));
    return loadMatrix(tile, 'left', { array: 'q_tile', at, stride: 'STAGED' });
  };
  return wgsl`
    var sums = array<${matrixType(tile, 'result')}, ${rowBlocks * across}>();
    ${loop({ unroll, index: 'inner', count, bound: innerBound(tile) }, (inner) => {
      return wgsl`
        ${blocks((b) => `let query${b} = ${queryOf(b, inner)};`)}
        ${columns((column) => {
          const row = sumOf(...partOffset(tile, keysOfPart), times(column, N));
          const at = sumOf(rowAt(row, 'STAGED'), times(inner, K / 4));
          const place = { array: 'kv_tile', at, stride: 'STAGED', isTransposed: true };
          return [
            `let keys = ${loadMatrix(tile, 'right', place)};`,
            ...blocks((b) => multiplyAdd(`query${b}`, 'keys', sum(b, column))),
          ];
        })}
      `;
    })}
    ${passesOf(tile).map(
      (pass, i) => wgsl`
        ${i > 0 && 'workgroupBarrier();'}
        ${columns((column) => pass.blocks.map((b) => storeMatrix(sum(b, column), passPlace(tile, b, column))))}
        workgroupBarrier();
        ${pass.rows.map((r) => `var s${r} = ${passVector(tile, r)}${scale};`)}
      `,
    )}
  `;
}

/** Adds weights · v to the output. */
function multiplyValues(config: ForwardConfig, tile: MatrixTile): string {
  const { N, K, M, unroll, rowBlocks, components } = tile;
  const { count, bound } = outputColumns(config, tile);
  const blocks = each(rowBlocks);
  const array = components === 'f16' ? 'weights' : 'scores';
  return loop(
    { unroll, index: 'inner', count: TILE_N / K, bound: `params.chunk_vecs * 4u / ${K}u` },
    (inner) => wgsl`
      ${blocks((b) => {
        const at = sumOf(rowAt(plus('own_rows', b * M), 'SCORED'), times(inner, K / 4));
        return `let weights${b} = ${loadMatrix(tile, 'left', { array, at, stride: 'SCORED' })};`;
      })}
      ${loop({ unroll, index: 'outer', count, bound }, (column) => {
        const at = sumOf(
          rowAt(times(inner, K), 'STAGED'),
          ...partOffset(tile, (count * N) / 4),
          times(column, N / 4),
        );
        return wgsl`
          let values = ${loadMatrix(tile, 'right', { array: 'kv_tile', at, stride: 'STAGED' })};
          ${blocks((b) => multiplyAdd(`weights${b}`, 'values', `acc[${sumOf(`${b * count}u`, column)}]`))}
        `;
      })}
    `,
  );
}
