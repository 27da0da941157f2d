import { memoized, wgsl } from '@heed/core/kernel';
import { tileClasses } from '../parts/block-range.wgsl.ts';
import { addDot } from '../parts/chained-products.wgsl.ts';
import { dropWeight, keepScale, keptGradient } from '../parts/dropped-weights.wgsl.ts';
import { hasScoreDerivatives } from '../parts/hook.ts';
import { addressingPart } from '../parts/key-addressing.wgsl.ts';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import type { FloatType, WriteAccess } from '../parts/kinds.ts';
import { lengthsPart } from '../parts/lengths.wgsl.ts';
import { none, strideFields, u32Fields } from '../parts/params.ts';
import {
  diagonalPart,
  rowOffsetPart,
  rowsPart,
  spanStruct,
  splitRowOffsetPart,
  workPart,
} from '../parts/query-rows.wgsl.ts';
import { each, loopFields, plus } from '../parts/repeat.ts';
import { readElement, readPart, writeElement } from '../parts/row-access.wgsl.ts';
import { gradientPart, tileScores, variantPart } from '../parts/score-chain.wgsl.ts';
import { softmaxWgsl } from '../parts/softmax.wgsl.ts';
import type { BackwardConfig } from '../tiles/kernel-config.ts';
import { enables } from '../tiles/tile-paths.ts';
import { chunkWgsl, resultParts, rowVectors, SLICE_VECTORS } from './chunk-sums.wgsl.ts';

/** Everything that the kernel's WGSL depends on. */
export interface SelectedGradientConfig extends Pick<
  BackwardConfig,
  'qType' | 'kvType' | 'headDim' | 'headDimV' | 'lengths' | 'keys' | 'read' | 'hooks'
> {
  /** \`keys\`: all pairs of a key, for keys that few lists name. \`chunks\`: some pairs of a key, whose sums are added afterwards. */
  readonly of: 'keys' | 'chunks';
  readonly resultType: FloatType;
  readonly write: WriteAccess;
  /** Whether the forward pass has a chain of single products, or adds four at a time. */
  readonly chained: boolean;
  /** Whether the compiler may know the bounds of inner loops. */
  readonly unroll: boolean;
  /** Whether values are columns of the keys in one memory, whose gradient is dk with dv added. */
  readonly isOneMemory: boolean;
}

const gradientKey = (c: SelectedGradientConfig): string =>
  [
    `dkv of selected ${c.of} q=${c.qType} kv=${c.kvType} result=${c.resultType}`,
    `d=${c.headDim} dv=${c.headDimV}`,
    `${c.lengths} ${c.keys}`,
    `read=${c.read} write=${c.write}${c.chained ? ' chained' : ''}${c.unroll ? ' unroll' : ''}${c.isOneMemory ? ' one memory' : ''}`,
    `hooks=${c.hooks.key}`,
  ].join(' | ');

/**
 * Computes dk and dv of keys that lists name, over the inverted lists. A thread per row computes P and dScore again; then a thread per
 * vector of dk and dv adds the rows in their order.
 */
export const selectedGradientSource: (config: SelectedGradientConfig) => ComposedKernel = memoized(
  gradientKey,
  (config) => {
    const { qType, kvType, headDim, headDimV, lengths, keys, read, hooks } = config;
    const ofKeys = config.of === 'keys';
    const element = ofKeys ? writeElement(config.resultType, config.write) : 'vec4<f32>';
    const enabled = ofKeys && enables(undefined, config.resultType, config.write);
    return composeKernel({
      label: `heed/${gradientKey(config)}`,
      head: [enabled, `// ${gradientKey(config)}`, none, tileClasses],
      bindings: [
        { name: 'q', kind: 'read', element: readElement(qType, read) },
        { name: 'k', kind: 'read', element: readElement(kvType, read) },
        { name: 'v', kind: 'read', element: readElement(kvType, read) },
        { name: 'dout', kind: 'read', element: readElement(qType, read) },
        { name: 'metadata', kind: 'read', element: 'i32' },
        { name: 'inverted', kind: 'read', element: 'u32' },
        { name: 'captures', kind: 'read', element: 'u32' },
        { name: 'out', kind: 'write', element },
      ],
      parts: [
        lengthsPart(lengths, keys),
        workPart(lengths, 'head', 1, false),
        diagonalPart,
        rowsPart(lengths, 'head', hooks),
        rowOffsetPart('q', lengths),
        rowOffsetPart('dout', lengths),
        splitRowOffsetPart('lse_index', 'lse', lengths),
        addressingPart(lengths, keys),
        readPart('q', qType, read, headDim),
        readPart('k', kvType, read, headDim),
        readPart('v', kvType, read, headDimV),
        readPart('dout', qType, read, headDimV),
        softmaxWgsl('two'),
        spanStruct(),
        variantPart(hooks, true),
        gradientPart(hooks),
        config.chained && addDot,
        chunkWgsl,
        ...(ofKeys
          ? resultParts(config, [config.isOneMemory ? '' : ' * params.scale', keepScale(hooks)])
          : [vectorsWgsl(config)]),
        { fields: [...fields, ...loopFields], text: main(config) },
      ],
    });
  },
);

const vectorsWgsl = (config: SelectedGradientConfig): string => {
  const [kVectors, vVectors] = rowVectors(config);
  return wgsl`
    const K_VECTORS = ${kVectors}u;
    const ROW_VECTORS = ${kVectors + vVectors}u;
  `;
};

const fields = [
  ...u32Fields('units', 'tiles', 'slots', 'slot_rows', 'slot_end', 'pairs_at', 'group'),
  ...u32Fields('group_lists', 'pair_heads', 'first_head', 'first_column'),
  ...strideFields('k', 'offset', 'batch', 'head', 'row'),
  ...strideFields('v', 'offset', 'batch', 'head', 'row'),
];

const THREADS = SLICE_VECTORS;

const slotRow = (x: string): string =>
  `params.${x}_offset + slot / params.slot_rows * params.${x}_batch + head * params.${x}_head + slot % params.slot_rows * params.${x}_row`;

function main(config: SelectedGradientConfig): string {
  const [kVectors, vVectors] = rowVectors(config);
  return wgsl`
    // The row of k, then that of v.
    var<workgroup> key_vectors: array<vec4<f32>, ${kVectors + vVectors}>; // ${(kVectors + vVectors) * 16} bytes
    // Of each row: dScore, and the weight that multiplies v.
    var<workgroup> row_weights: array<vec2<f32>, ${THREADS}>; // ${THREADS * 8} bytes
    // Where each row begins in q and in dOut.
    var<workgroup> row_offsets: array<vec2<u32>, ${THREADS}>; // ${THREADS * 8} bytes

    ${weighRow(config)}

    @compute @workgroup_size(${THREADS})
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) thread: u32,
    ) {
      let unit = workgroup_unit(workgroup, workgroups);
      if (unit >= params.units) {
        return;
      }
      ${config.of === 'keys' ? allPairs : onePart}
      let head = params.first_head + place / params.slots;
      let slot = place % params.slots;
      let k_row = ${slotRow('k')};
      let v_row = ${slotRow('v')};
      for (var i = thread; i < ROW_VECTORS; i += ${THREADS}u) {
        if (i < K_VECTORS) {
          key_vectors[i] = read_k(k_row, i * 4u);
        } else {
          key_vectors[i] = read_v(v_row, (i - K_VECTORS) * 4u);
        }
      }

      let column = params.first_column + thread;
      let rows = (end - first) * params.pair_heads;
      var sum = vec4<f32>();
      ${config.isOneMemory && 'var value_sum = vec4<f32>();'}
      for (var first_row = 0u; first_row < rows; first_row += ${THREADS}u) {
        workgroupBarrier();
        if (first_row + thread < rows) {
          weigh_row(thread, first, first_row + thread, head);
        }
        workgroupBarrier();
        let count = min(rows - first_row, ${THREADS}u);
        if (column < K_VECTORS) {
          ${addRows('sum', 'x', (row) => `read_q(${row}, column * 4u)`)}
          ${config.isOneMemory && valueColumn(config)}
        } else if (column < ROW_VECTORS) {
          ${addRows('sum', 'y', (row) => `read_dout(${row}, (column - K_VECTORS) * 4u)`)}
        }
      }
      ${config.isOneMemory && addValues(config)}
      ${config.of === 'keys' ? 'write_column(head, slot, column, sum);' : `out[unit * ${SLICE_VECTORS}u + thread] = sum;`}
    }
  `;
}

/** Rows whose loads a thread issues together: one by one, each would be waited for before the next. */
const ROWS_AT_ONCE = 4;

/** Adds the weighted rows to a sum, in their order. After the last row, it is loaded again and has no weight. */
function addRows(sum: string, part: 'x' | 'y', read: (row: string) => string): string {
  const rows = each(ROWS_AT_ONCE);
  return wgsl`
    for (var i = 0u; i < count; i += ${ROWS_AT_ONCE}u) {
      ${rows((n) => [
        `let at${n} = min(${plus('i', n)}, count - 1u);`,
        `let row${n} = ${read(`row_offsets[at${n}].${part}`)};`,
      ])}
      ${rows(
        (n) =>
          `${sum} = fma(vec4<f32>(select(0.0, row_weights[at${n}].${part}, ${plus('i', n)} < count)), row${n}, ${sum});`,
      )}
    }
  `;
}

/** Adds the rows to the column of dv that is in the place of one of dk. */
const valueColumn = ({ headDimV }: SelectedGradientConfig): string => wgsl`
  if (column * 4u < ${headDimV}u) {
    ${addRows('value_sum', 'y', (row) => `read_dout(${row}, column * 4u)`)}
  }
`;

const addValues = ({ hooks }: SelectedGradientConfig): string => wgsl`
  if (column < K_VECTORS) {
    sum = sum * params.scale + value_sum${keepScale(hooks)};
  }
`;

/** A workgroup per slot, for slots of one chunk. */
const allPairs = wgsl`
  let place = unit;
  let first = inverted[place];
  let end = inverted[place + 1u];
  if (first == end || chunks_of(end - first) > 1u) {
    return;
  }
`;

/** A workgroup per CHUNK_PAIRS pairs, for the chunk that begins there. Such a chunk has the last of these pairs. */
const onePart = wgsl`
  let pair = unit * CHUNK_PAIRS + CHUNK_PAIRS - 1u;
  if (pair >= inverted[params.slot_end]) {
    return;
  }
  var place = 0u;
  var last = params.slot_end - 1u;
  while (place < last) {
    let middle = (place + last + 1u) / 2u;
    if (inverted[middle] <= pair) {
      place = middle;
    } else {
      last = middle - 1u;
    }
  }
  let begin = inverted[place];
  let chunks = chunks_of(inverted[place + 1u] - begin);
  let chunk = min((pair - begin) / CHUNK_PAIRS, chunks - 1u);
  let first = begin + chunk * CHUNK_PAIRS;
  if (chunks == 1u || first / CHUNK_PAIRS != unit) {
    return;
  }
  let end = select(first + CHUNK_PAIRS, inverted[place + 1u], chunk == chunks - 1u);
`;

/** Computes the weights of one row: its score again, in the arithmetic of the forward pass, then its gradient. */
function weighRow(config: SelectedGradientConfig): string {
  const { hooks, chained, unroll } = config;
  const [kVectors, vVectors] = rowVectors(config);
  const hasDerivatives = hasScoreDerivatives(hooks);
  const add = (sum: string, a: string, b: string): string =>
    chained ? `${sum} = add_dot(${sum}, ${a}, ${b});` : `${sum} += dot(${a}, ${b});`;
  const scores = tileScores(
    hooks,
    (statement) =>
      statement({ score: 's', scoreDerivative: 'score_derivative', row: 'row', key: 'key' }),
    { withDerivatives: true },
  );
  return wgsl`
    // \`index\` counts the rows of the pairs from \`first\` on: a pair of a shared list has a row per query head.
    fn weigh_row(thread: u32, first: u32, index: u32, head: u32) {
      let pair = params.pairs_at + 2u * (first + index / params.pair_heads);
      let list = inverted[pair];
      let key = i32(inverted[pair + 1u]);
      var work = work_of_tile(list / params.group_lists % params.tiles, 0u, 0u);
      work.head = head * params.group + index % params.pair_heads + list % params.group_lists;
      let row = make_row(work, work.first_row);
      let state = row_state(row);
      let offsets = vec2<u32>(q_row_offset(row), dout_row_offset(row));
      var s = 0.0;
      for (var d = 0u; d < ${unroll ? `${kVectors}u` : 'params.q_vecs'}; d++) {
        ${add('s', 'read_q(offsets.x, d * 4u) * q_scale()', 'key_vectors[d]')}
      }
      var dp = 0.0;
      for (var d = 0u; d < ${unroll ? `${vVectors}u` : 'params.v_vecs'}; d++) {
        ${add('dp', 'read_dout(offsets.y, d * 4u)', 'key_vectors[K_VECTORS + d]')}
      }
      ${hasDerivatives && 'var score_derivative = 1.0;'}
      let tile_class = PARTIAL;
      ${scores}
      let weight = pair_weight(s, state.row_max, state.norm);
      ${hooks.drop && 'var kept = weight;'}
      ${dropWeight(hooks, 'kept', { dropKey: 'row.drop_key', key: 'key' })}
      ${keptGradient(hooks, 'dp', { weight: 'weight', kept: 'kept' })}
      let gradient = pair_gradient(weight, dp, state.delta, ${hasDerivatives ? 'score_derivative' : '1.0'});
      row_weights[thread] = vec2<f32>(gradient, ${hooks.drop ? 'kept' : 'weight'});
      row_offsets[thread] = offsets;
    }
  `;
}
