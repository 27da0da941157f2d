import { memoized, sections, wgsl } from '@heed/core/kernel';
import { blockRangePart, tileClasses } from '../parts/block-range.wgsl.ts';
import { allHooks, diagonalHooks, type VariantHooks } from '../parts/hook.ts';
import { addressingPart } from '../parts/key-addressing.wgsl.ts';
import { type ComposedKernel, composeKernel, type KernelPart } from '../parts/kernel-parts.ts';
import type { FloatType, KeyKind, KeyType, LengthKind, ReadAccess } from '../parts/kinds.ts';
import { lengthsPart } from '../parts/lengths.wgsl.ts';
import { none, u32Fields } from '../parts/params.ts';
import { diagonalPart, rowOffsetPart, rowsPart, workPart } from '../parts/query-rows.wgsl.ts';
import { each, loopFields } from '../parts/repeat.ts';
import { readElement, readPart } from '../parts/row-access.wgsl.ts';
import { softmaxWgsl } from '../parts/softmax.wgsl.ts';
import {
  columnItem,
  dotProducts,
  keySide,
  lanes,
  rowSide,
  threadPlace,
  tileArrays,
} from '../tiles/portable-products.wgsl.ts';
import type { PortableTile } from '../tiles/portable-tile.ts';
import { stageKeys, stageRows } from '../tiles/staging.wgsl.ts';
import { gridShape, gridThreads, localRow } from '../tiles/thread-grid.wgsl.ts';

/** Everything that the kernel's WGSL depends on. */
export interface KeyScoresConfig {
  readonly qType: FloatType;
  readonly kType: KeyType;
  /** Absent if every weight is 1. */
  readonly weightType: FloatType | undefined;
  readonly headDim: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  readonly read: ReadAccess;
  /** Without score hooks, a head's score is relu(q·k). */
  readonly hooks: VariantHooks;
  /** Query positions of a tile; 1 if there are more heads than a tile takes at a time. */
  readonly positions: number;
  /** Heads that a tile takes at a time. */
  readonly heads: number;
  /** Whether several keys share an entry, which is then the largest of their scores. */
  readonly inBlocks: boolean;
  readonly tile: PortableTile;
}

const scoresKey = (c: KeyScoresConfig): string =>
  [
    `q=${c.qType} k=${c.kType} weights=${c.weightType ?? 'none'} d=${c.headDim}`,
    `${c.lengths} ${c.keys} read=${c.read} hooks=${c.hooks.key}`,
    `positions=${c.positions} heads=${c.heads}${c.inBlocks ? ' in blocks' : ''}`,
    `threadsM=${c.tile.threadsM} rowsPerThread=${c.tile.rowsPerThread} unroll=${c.tile.unroll}`,
  ].join(' | ');

/**
 * Scores keys for a list of keys per row: the sum over heads of weight · relu(q·k), or of a score hook's result. It is stored as an
 * integer that orders as the scores do, in memory that held zeros.
 */
export const keyScoresSource: (config: KeyScoresConfig) => ComposedKernel = memoized(
  scoresKey,
  (config) => {
    const { qType, kType, weightType, headDim, lengths, keys, read, hooks, tile } = config;
    const { tileM, tileN } = gridShape(tile);
    return composeKernel({
      label: `heed/key scores ${scoresKey(config)}`,
      head: [`// ${scoresKey(config)}`, none, tileClasses],
      bindings: [
        { name: 'q', kind: 'read', element: readElement(qType, read) },
        { name: 'k', kind: 'read', element: readElement(kType, read) },
        { name: 'metadata', kind: 'read', element: 'i32' },
        { name: 'captures', kind: 'read', element: 'u32' },
        { name: 'weights', kind: 'read', element: readElement(weightType ?? 'f32', 'scalar') },
        { name: 'orders', kind: 'write', element: config.inBlocks ? 'atomic<u32>' : 'u32' },
      ],
      parts: [
        lengthsPart(lengths, keys),
        workPart(lengths, 'group', config.positions * config.heads),
        diagonalPart,
        rowsPart(lengths, 'group', hooks),
        rowOffsetPart('q', lengths),
        addressingPart(lengths, keys),
        readPart('q', qType, read, headDim),
        readPart('k', kType, read, headDim),
        weightType && rowOffsetPart('weights', lengths),
        weightType && readPart('weights', weightType, 'scalar', 1),
        softmaxWgsl('two'),
        blockRangePart('group', hooks, tileN),
        pairPart(hooks),
        orderWgsl,
        {
          fields: u32Fields('columns', 'block_size'),
          text: sumWgsl(config),
        },
        tileArrays(tileM, tileN),
        stageRows({ name: 'q', dim: headDim, type: qType, access: read, grid: tile, rows: tileM }),
        stageKeys(
          { name: 'k', dim: headDim, type: kType, access: read, grid: tile, rows: tileN },
          false,
        ),
        {
          fields: [
            ...u32Fields('units', 'tiles', 'first_tile', 'group', 'head_groups'),
            ...loopFields,
          ],
          text: main(config),
        },
      ],
    });
  },
);

/** Declares the score and the visibility of one pair of a head's row and a key. */
function pairPart(hooks: VariantHooks): KernelPart {
  const { scores, masks } = hooks;
  const shown = masks.map(({ name }) => `visible_${name}(row, key)`);
  const diagonals = diagonalHooks(scores);
  const call = (name: string): string =>
    `score_${name}(score, row, key${diagonals.includes(name) ? `, diagonal_${name}(row, row.query - key)` : ''})`;
  const all = allHooks(hooks);
  return {
    fields: all.flatMap((hook) => hook.params),
    text: sections(
      ...all.map((hook) => hook.wgsl),
      wgsl`
        fn is_visible(row: Row, key: i32) -> bool {
          return ${shown.length > 0 ? ['(key < row.k_len)', ...shown].join(' & ') : 'key < row.k_len'};
        }
      `,
      scores.length === 0
        ? relu
        : wgsl`
            fn pair_score(dot_product: f32, row: Row, key: i32) -> f32 {
              var score = dot_product;
              ${scores.map(({ name }) => `score = ${call(name)};`)}
              return score;
            }
          `,
    ),
  };
}

const relu = wgsl`
  // relu as bits, since max(NaN, 0.0) is 0 on some adapters, and NaN must come last.
  fn pair_score(dot_product: f32, row: Row, key: i32) -> f32 {
    let bits = bitcast<u32>(dot_product);
    return bitcast<f32>(select(bits, 0u, (bits >= 0x80000000u) & (bits <= 0xff800000u)));
  }
`;

/** Declares `order_of(score)`. Invisible keys have order 0, which no score has. */
const orderWgsl = wgsl`
  // An integer that orders as scores do: both zeros are equal, and NaN counts as −∞.
  fn order_of(score: f32) -> u32 {
    let bits = bitcast<u32>(score);
    let magnitude = bits & 0x7fffffffu;
    let order = select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
    return select(order, ~NEGATIVE_INFINITY_BITS, magnitude > 0x7f800000u);
  }
`;

/** Declares the sum over the heads of a tile, and where it is stored. */
function sumWgsl({ hooks, weightType, inBlocks }: KeyScoresConfig): string {
  const hidesScores = hooks.scores.length > 0;
  const weight = weightType ? 'read_weights_at(weights_row_offset(row)) * ' : '';
  return wgsl`
    // Of a position and a key; it is not seen if every head's pair is hidden.
    struct KeyScore {
      sum: f32,
      is_seen: bool,
    }

    // Adds the heads of the tile, in ascending order.
    fn add_heads(before: KeyScore, work: Work, position: u32, column: u32, key: i32, tile_class: u32) -> KeyScore {
      var total = before;
      for (var head = 0u; head < params.group; head++) {
        let index = position * params.group + head;
        let row = make_row(work, work.first_row + index);
        let score = pair_score(products[index * PRODUCTS + column], row, key);
        var is_shown = ${hidesScores ? 'score > SEEN' : 'true'};
        if (tile_class == PARTIAL) {
          is_shown = ${hidesScores ? 'is_shown & is_visible(row, key)' : 'is_visible(row, key)'};
        }
        total.sum += select(0.0, ${weight}score, is_shown);
        total.is_seen = total.is_seen | is_shown;
      }
      return total;
    }

    // \`row\` counts the rows of this launch.
    fn store_order(row: u32, key: i32, total: KeyScore) {
      if (total.is_seen) {
        ${
          inBlocks
            ? 'atomicMax(&orders[row * params.columns + u32(key) / params.block_size], order_of(total.sum));'
            : 'orders[row * params.columns + u32(key)] = order_of(total.sum);'
        }
      }
    }
  `;
}

function main(config: KeyScoresConfig): string {
  const { tile, positions, headDim } = config;
  const { tileM, tileN } = gridShape(tile);
  const rows = each(tile.rowsPerThread);
  const products = wgsl`
    ${dotProducts(tile, 's', rowSide('q'), keySide('k'), { size: headDim, bound: 'params.q_vecs' })}
    workgroupBarrier();
    ${rows((r) => lanes((n) => `products[${localRow(r)} * PRODUCTS + ${columnItem(n)}] = s${r}[${n}];`))}
    workgroupBarrier();
  `;
  return wgsl`
    // A padded row keeps the columns of neighbouring rows in different banks.
    const PRODUCTS = ${tileN + 1}u;
    var<workgroup> products: array<f32, ${tileM * (tileN + 1)}>; // ${tileM * (tileN + 1) * 4} bytes

    @compute @workgroup_size(${gridThreads(tile)})
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) thread: u32,
    ) {
      let unit = workgroup_unit(workgroup, workgroups);
      if (unit >= params.units) {
        return;
      }
      let query_tile = unit % params.tiles;
      let first_key = unit / params.tiles * TILE_N;
      let head = 0u;
      var work = work_of_tile(params.first_tile + query_tile, 0u, 0u);
      if (work.first_row >= work.rows || first_key >= work.seq.k_len) {
        return;
      }
      ${threadPlace(tile)}
      ${positions === 1 ? headGroups(products) : oneGroup(products, positions * tileN, gridThreads(tile), positions)}
    }
  `;
}

/** All heads at a time: a thread sums the heads of several pairs of a position and a key. */
const oneGroup = (
  products: string,
  pairs: number,
  threads: number,
  positions: number,
): string => wgsl`
  let tile_class = class_of_tile(first_key / TILE_N, tile_span(work));
  if (tile_class == EMPTY) {
    return;
  }
  ${products}
  for (var pair = thread; pair < ${pairs}u; pair += ${threads}u) {
    let position = pair / TILE_N;
    let key = i32(first_key + pair % TILE_N);
    if (work.first_row + position * params.group < work.rows) {
      let total = add_heads(KeyScore(), work, position, pair % TILE_N, key, tile_class);
      store_order(query_tile * ${positions}u + position, key, total);
    }
  }
`;

/** One position, and its heads in groups. */
const headGroups = (products: string): string => wgsl`
  var total = KeyScore();
  for (var group = 0u; group < params.head_groups; group++) {
    work.head = group;
    let tile_class = class_of_tile(first_key / TILE_N, tile_span(work));
    if (tile_class == EMPTY) {
      continue;
    }
    ${products}
    if (thread < TILE_N) {
      total = add_heads(total, work, 0u, thread, i32(first_key + thread), tile_class);
    }
  }
  if (thread < TILE_N) {
    store_order(query_tile, i32(first_key + thread), total);
  }
`;
