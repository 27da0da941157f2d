import { wgsl } from '@heed/core/kernel';
import type { KernelPart } from './kernel-parts.ts';
import type { LengthKind } from './kinds.ts';
import { u32Fields } from './params.ts';
import { rowLayouts } from './row-layouts.wgsl.ts';

/**
 * The two passes over sequences that begin with the same pages. `prefix` takes the rows of all sequences of a group as rows of one
 * problem over the shared keys, and stores each row's raw softmax state. `suffix` continues from the states, over each sequence's
 * own keys.
 */
export type CascadePass = 'prefix' | 'suffix';

/** A pass, and the format of a row's state: its row maximum, `sums` partial row sums, and its accumulator. */
export interface Cascade {
  readonly pass: CascadePass;
  /** Partial sums per row: those of the threads that share a row in the prefix pass. */
  readonly sums: number;
}

/** Words that describe a tile of the prefix pass: see `prefixWork`. */
export const TILE_WORDS = 7;

/** Rows of a sequence that the list of rows can number. */
export const MOST_ROWS = 16;

/** Returns the words of a row's state. */
export const stateWords = (sums: number, headDimV: number): number =>
  1 + sums + 4 * Math.ceil(headDimV / 4);

/**
 * Assigns a tile of a group's rows to a workgroup. The binding \`shared_rows\` has ${TILE_WORDS} words per tile, then the list of
 * rows: sequence · ${MOST_ROWS} + row within the sequence.
 */
export const prefixWork: string = wgsl`
  // The sequence is the group's first, whose table names the shared pages. \`q_row\` is where the group's list of rows begins, and
  // \`q_len\` the number of rows in it.
  fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
    let at = tile * ${TILE_WORDS}u;
    let seq = Sequence(shared_rows[at], shared_rows[at + 2u], shared_rows[at + 3u], 0u, shared_rows[at + 1u]);
    return Work(seq, head, split, shared_rows[at + 4u], seq.q_len * params.group);
  }

  // The first and the last logical position of a tile's rows.
  fn tile_positions(unit: u32) -> vec2<i32> {
    let at = unit % params.tiles * ${TILE_WORDS}u;
    return vec2<i32>(i32(shared_rows[at + 5u]), i32(shared_rows[at + 6u]));
  }
`;

/** Returns the statements of \`make_row\` that set what a row of the prefix pass has of its own sequence. */
export const prefixRow: string = wgsl`
  let listed = shared_rows[work.seq.q_row + row_position(inside)];
  let seq = sequence(listed / ${MOST_ROWS}u);
  let batch = seq.index;
  let head = row_head(work, inside);
  let position = listed % ${MOST_ROWS}u;
  let q_len = i32(seq.q_len);
  let k_len = i32(seq.k_len);
`;

/** Declares how states are stored, or continued from. */
export function cascadePart({ pass, sums }: Cascade, headDimV: number): KernelPart {
  const words = stateWords(sums, headDimV);
  const text = wgsl`
    // Where a row's state lies, after one word per sequence. There is one per split, query head and row.
    fn state_at(row: Row, split: u32) -> u32 {
      let number = (split * params.q_heads + u32(row.head)) * params.seqlen_q + u32(row.q_row);
      return params.batch + number * ${words}u;
    }

    ${pass === 'prefix' ? keep(sums) : take(sums)}
  `;
  return { fields: u32Fields('q_heads', 'seqlen_q', 'batch'), text };
}

const keep = (sums: number): string => wgsl`
  fn keep_sum(at: u32, row_max: f32, column: u32, row_sum: f32) {
    lse[at] = bitcast<u32>(row_max);
    lse[at + 1u + column] = bitcast<u32>(row_sum);
  }

  // Elements d to d + 3 of the accumulator.
  fn keep_values(at: u32, d: u32, x: vec4<f32>) {
    let first = at + ${1 + sums}u + d;
    let bits = bitcast<vec4<u32>>(x);
    lse[first] = bits.x;
    lse[first + 1u] = bits.y;
    lse[first + 2u] = bits.z;
    lse[first + 3u] = bits.w;
  }
`;

const take = (sums: number): string => wgsl`
  // The first keys of a sequence, which the prefix pass has read.
  fn shared_keys(seq: Sequence) -> u32 {
    return select(0u, states[min(seq.index, params.batch - 1u)], seq.index < params.batch);
  }

  fn take_sum(seq: Sequence, at: u32, column: u32, columns: u32) -> Softmax {
    var state = softmax_init();
    if (shared_keys(seq) == 0u) {
      return state;
    }
    state.row_max = bitcast<f32>(states[at]);
    if (columns == ${sums}u) {
      state.row_sum = bitcast<f32>(states[at + 1u + column]);
    } else if (column == 0u) {
      for (var i = 0u; i < ${sums}u; i++) {
        state.row_sum += bitcast<f32>(states[at + 1u + i]);
      }
    }
    return state;
  }

  // Elements d to d + 3 of the accumulator; zeros for a sequence without shared keys.
  fn take_values(seq: Sequence, at: u32, d: u32) -> vec4<f32> {
    if (shared_keys(seq) == 0u) {
      return vec4<f32>();
    }
    let first = at + ${1 + sums}u + d;
    return bitcast<vec4<f32>>(vec4<u32>(states[first], states[first + 1u], states[first + 2u], states[first + 3u]));
  }
`;

/** Returns `make_row`'s statements that find a row's sequence, in a kernel without a prefix pass. */
export const ownRow: string = wgsl`
  // Rows outside every sequence have no batch entry of their own in the tables.
  let batch = min(work.seq.index, max(params.batch, 1u) - 1u);
  let head = row_head(work, inside);
  let position = row_position(inside);
  let q_len = i32(work.seq.q_len);
  let k_len = i32(work.seq.k_len);
`;

/** Returns the assignment of `row.q_row`. */
export const queryRowOf = (lengths: LengthKind, pass: CascadePass | undefined): string =>
  pass === 'prefix' ? 'row.q_row = i32(seq.q_row + position);' : rowLayouts[lengths].queryRow;
