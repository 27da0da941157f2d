import { sections, wgsl } from '@heed/core/kernel';
import { dropWeight } from '../parts/dropped-weights.wgsl.ts';
import { each } from '../parts/repeat.ts';
import { tileScores } from '../parts/score-chain.wgsl.ts';
import type { ForwardConfig } from './kernel-config.ts';
import { type MatrixTile, stagedVectors, threadRows, TILE_N } from './matrix-geometry.ts';
import { rowAt } from './matrix-operations.wgsl.ts';
import {
  matrixIndices,
  matrixWorkgroup,
  passResult,
  passVector,
  threadPlace,
  tileRow,
} from './matrix-passes.wgsl.ts';
import {
  addProducts,
  declareResult,
  loadOwnRows,
  type OwnRows,
  passProducts,
  scoreProducts,
  summedResult,
} from './matrix-products.wgsl.ts';
import {
  columnKey,
  columnKeys,
  keyLoads,
  loadKeys,
  matrixArraysText,
  type StagedRows,
  staging,
} from './matrix-staging.wgsl.ts';
import { eachScore } from './thread-grid.wgsl.ts';
import { entryPoint, keyTileLoop } from './tile-loops.wgsl.ts';

const lanes = each(4);

/**
 * Computes products with subgroup matrices. q and the output stay in matrices, whose rows no thread can access. So the
 * scores pass through workgroup memory to the threads, which apply hooks and softmax, and return as weights. The output
 * takes that way only when a row's maximum has grown so much that its sums must be rescaled.
 */
export function matrixMain(config: ForwardConfig, tile: MatrixTile): string {
  const { hooks, headDimV } = config;
  const [k, v] = stagedTensors(config, tile);
  const rows = each(threadRows(tile));
  const isRounded = tile.components === 'f16';
  const keys = staging(tile, k, keyLoads(config, k));
  const values = staging(tile, v, keyLoads(config, v));
  const queries = ownQueries(config, tile);
  const output = summedResult(tile, 'acc', { size: headDimV, bound: 'params.v_vecs' });
  const scale = isRounded ? ' * q_scale()' : '';
  const body = wgsl`
    ${threadPlace(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, work.first_row + ${tileRow(tile, r)});
        var state${r} = softmax_init();
        ${isRounded && `var held${r} = 0.0;`}
      `,
    )}
    ${loadOwnRows(tile, queries, isRounded ? 'weights' : 'scores')}
    ${declareResult(tile, output)}

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
        ${scoreProducts(tile, { sums: 'sums', own: queries, other: { name: 'keys', array: k.array } })}
        ${passProducts(tile, { sums: 'sums', array: 'scores', thread: 's', scale })}
        ${values.loads}

        ${columnKeys(config)}
        ${tileScores(
          hooks,
          eachScore(threadRows(tile), (r, n) => ({ row: `row${r}`, key: columnKey(config, n) })),
        )}
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
            ${lanes((n) => dropWeight(hooks, `s${r}[${n}]`, { dropKey: `row${r}.drop_key`, key: columnKey(config, n) }))}
            ${isRounded ? `weights[${rowAt(tileRow(tile, r), 'SCORED')} + column] = vec4<f16>(s${r});` : `${passVector(tile, r)} = s${r};`}
          `,
        )}
        ${values.stores}
        workgroupBarrier();
        ${addProducts(tile, output, {
          weights: { name: 'weights', array: isRounded ? 'weights' : 'scores' },
          other: { name: 'values', array: v.array },
        })}
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
  const [lane, subgroup] = matrixIndices;
  return sections(
    matrixArraysText(config, tile, 'forward'),
    grownFlag,
    loadKeys(tile, k, config),
    loadKeys(tile, v, config),
    lazySoftmax,
    isRounded && heldPart,
    entryPoint(config, matrixWorkgroup(tile), lane, body, subgroup),
  );
}

/** Returns k and v, which share an array. */
function stagedTensors(
  { headDim, headDimV }: ForwardConfig,
  tile: MatrixTile,
): [StagedRows, StagedRows] {
  const array = 'kv_tile';
  return [
    { name: 'k', dim: headDim, vecs: stagedVectors(headDim, tile, 'inner'), array },
    { name: 'v', dim: headDimV, vecs: stagedVectors(headDimV, tile, 'columns'), array },
  ];
}

const ownQueries = ({ headDim }: ForwardConfig, { components }: MatrixTile): OwnRows => ({
  name: 'query',
  array: 'q_tile',
  dim: { size: headDim, bound: 'params.q_vecs' },
  read: (r, d) =>
    `read_q(q_row_offset(row${r}), ${d})${components === 'f32' ? ' * q_scale()' : ''}`,
});

const grownFlag = wgsl`
  // Whether a row of the tile needs a new reference.
  var<workgroup> grown: atomic<u32>;
`;

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
