import { memoized, wgsl } from '@heed/core/kernel';
import { tileClasses } from '../parts/block-range.wgsl.ts';
import { addDot } from '../parts/chained-products.wgsl.ts';
import type { VariantHooks } from '../parts/hook.ts';
import { addressingPart } from '../parts/key-addressing.wgsl.ts';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import type {
  FloatType,
  KeyKind,
  KeyType,
  LengthKind,
  ReadAccess,
  RowKind,
} from '../parts/kinds.ts';
import { lengthsPart } from '../parts/lengths.wgsl.ts';
import { none, u32Fields } from '../parts/params.ts';
import {
  diagonalPart,
  rowOffsetPart,
  rowsPart,
  spanStruct,
  workPart,
} from '../parts/query-rows.wgsl.ts';
import { loopFields } from '../parts/repeat.ts';
import { readElement, readPart } from '../parts/row-access.wgsl.ts';
import { tileScores, variantPart } from '../parts/score-chain.wgsl.ts';
import { timesSelectedPart } from '../parts/selected-keys.wgsl.ts';
import { softmaxWgsl } from '../parts/softmax.wgsl.ts';

/** Everything that the kernel's WGSL depends on. */
export interface PairWeightsConfig {
  /** `rows`: the weights of each row. `keys`: each key's weights, summed over the rows. */
  readonly of: 'rows' | 'keys';
  readonly qType: FloatType;
  readonly kType: KeyType;
  readonly headDim: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  /** Number of keys that an entry of a list of selected keys names; 0 without lists. */
  readonly selectedBlock: number;
  /** Which rows share a list. */
  readonly rows: RowKind;
  readonly read: ReadAccess;
  readonly hooks: VariantHooks;
}

/** Threads of a workgroup: keys that are done at a time. */
export const WEIGHT_THREADS = 64;

const weightsKey = (c: PairWeightsConfig): string =>
  `${c.of} | q=${c.qType} k=${c.kType} d=${c.headDim} | ${c.lengths} ${c.keys}${c.selectedBlock > 0 ? ` selected=${c.selectedBlock} rows=${c.rows}` : ''} read=${c.read} | hooks=${c.hooks.key}`;

/**
 * Computes weights pair by pair, for looking at them: a thread per key, which reads the rows of q and k from memory. Nothing is tiled,
 * so that any pair can be asked for by itself. Hooks of masks are asked for each pair; their tables of blocks only save time.
 */
export const pairWeightsSource: (config: PairWeightsConfig) => ComposedKernel = memoized(
  weightsKey,
  (config) => {
    const { of, qType, kType, headDim, lengths, keys, selectedBlock, rows, read, hooks } = config;
    const isSelected = selectedBlock > 0;
    return composeKernel({
      label: `heed/weights ${weightsKey(config)}`,
      head: [`// weights ${weightsKey(config)}`, none, tileClasses],
      bindings: [
        { name: 'q', kind: 'read', element: readElement(qType, read) },
        { name: 'k', kind: 'read', element: readElement(kType, read) },
        { name: 'metadata', kind: 'read', element: 'i32' },
        { name: 'captures', kind: 'read', element: 'u32' },
        { name: 'lse', kind: 'read', element: 'u32' },
        ...(isSelected ? [{ name: 'selected', kind: 'read', element: 'i32' } as const] : []),
        { name: 'weights', kind: 'write', element: 'f32' },
      ],
      parts: [
        lengthsPart(lengths, keys),
        workPart(lengths, 'head', 1),
        diagonalPart,
        rowsPart(lengths, 'head', hooks),
        spanStruct(),
        rowOffsetPart('q', lengths),
        rowOffsetPart('lse', lengths),
        addressingPart(lengths, keys),
        readPart('q', qType, read, headDim),
        readPart('k', kType, read, headDim),
        softmaxWgsl('two'),
        variantPart(hooks),
        addDot,
        isSelected && timesSelectedPart(lengths, selectedBlock, rows),
        pairWeight(hooks, isSelected),
        {
          fields: [
            ...u32Fields('units', 'tiles', 'group', 'heads', 'columns'),
            ...u32Fields('first_query', 'rows'),
            ...loopFields,
          ],
          text: mains[of](lengths),
        },
      ],
    });
  },
);

const pairWeight = (hooks: VariantHooks, isSelected: boolean): string => wgsl`
  // exp(score − lse), 0 for a pair that is hidden.${isSelected && ' A key that a list names twice counts twice.'}
  fn pair_weight(row: Row, key: i32, k_row: u32) -> f32 {
    let q_row = q_row_offset(row);
    let row_lse = softmax_score(lse[lse_row_offset(row)]);
    var score = 0.0;
    for (var d = 0u; d < params.q_vecs; d++) {
      score = add_dot(score, read_q(q_row, d * 4u) * q_scale(), read_k(k_row, d * 4u));
    }
    let tile_class = PARTIAL;
    ${tileScores(hooks, (statement) =>
      statement({ score: 'score', scoreDerivative: '', row: 'row', key: 'key' }),
    )}
    ${isSelected ? timesWeight : 'return select(0.0, softmax_weight(score, row_lse), row_lse > SEEN);'}
  }
`;

// A key that no list names may hold anything.
const timesWeight = wgsl`
  let times = times_selected(row, key);
  return select(0.0, softmax_weight(score, row_lse) * times, (row_lse > SEEN) & (times > 0.0));
`;

const entry = (body: string): string => wgsl`
  @compute @workgroup_size(${WEIGHT_THREADS})
  fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
  ) {
    let unit = workgroup_unit(workgroup, workgroups);
    if (unit >= params.units) {
      return;
    }
    ${body}
  }
`;

const mains: Readonly<Record<PairWeightsConfig['of'], (lengths: LengthKind) => string>> = {
  rows: (lengths) =>
    entry(wgsl`
      let work = find_work(unit);
      if (work.first_row >= work.rows) {
        return;
      }
      let row = make_row(work, work.first_row);
      // Rows before the first one wanted become large numbers.
      let index = u32(row.q_row) - params.first_query;
      if (index >= params.rows) {
        return;
      }
      let head = kv_head(work);
      let first = ${lengths === 'dense' ? '(u32(row.batch) * params.heads + work.head)' : 'work.head'} * params.rows + index;
      for (var key = thread; key < params.columns; key += ${WEIGHT_THREADS}u) {
        var weight = 0.0;
        if (key < work.seq.k_len) {
          weight = pair_weight(row, i32(key), k_row_offset(work.seq, head, key));
        }
        weights[first * params.columns + key] = weight;
      }
    `),
  keys: () =>
    entry(wgsl`
      let of_head = unit / params.tiles;
      let key = unit % params.tiles * ${WEIGHT_THREADS}u + thread;
      if (key >= params.columns) {
        return;
      }
      let seq = sequence(of_head / params.heads);
      var mass = 0.0;
      if (key < seq.k_len) {
        let work = Work(seq, of_head % params.heads, 0u, 0u, seq.q_len);
        let k_row = k_row_offset(seq, kv_head(work), key);
        for (var position = 0u; position < seq.q_len; position++) {
          mass += pair_weight(make_row(work, position), i32(key), k_row);
        }
      }
      weights[of_head * params.columns + key] = mass;
    `),
};
