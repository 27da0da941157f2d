import { memoized, wgsl } from '@heed/core/kernel';
import { variantHooks } from '../parts/hook.ts';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import type { KeyKind, LengthKind } from '../parts/kinds.ts';
import { lengthsPart } from '../parts/lengths.wgsl.ts';
import { none, type ParamValues, u32Fields } from '../parts/params.ts';
import { diagonalPart, rowOffsetPart, rowsPart, workPart } from '../parts/query-rows.wgsl.ts';
import { runningSumPart, scanValues } from '../parts/running-sum.wgsl.ts';

/** Everything that the kernel's WGSL depends on. */
export interface KeySelectionConfig {
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  /** Query positions of a tile of the scores. */
  readonly positions: number;
}

const selectionKey = ({ lengths, keys, positions }: KeySelectionConfig): string =>
  `${lengths} ${keys} positions=${positions}`;

/** Threads of a workgroup, which selects the keys of one row. Each thread counts one digit of 8 bits. */
const THREADS = 256;

/** Digits of an order, and threads of a sum: parameters, since some compilers unroll every loop whose bound they know. */
export const selectionLoops: ParamValues = { digits: 4, ...scanValues(THREADS) };

/**
 * Selects the entries with the largest orders of each row, the lower one of equals, and lists them in ascending position, then
 * −1. An order is found digit by digit from the top: the digits are counted, and those below the one with the last entry to be
 * selected are dropped.
 */
export const keySelectionSource: (config: KeySelectionConfig) => ComposedKernel = memoized(
  selectionKey,
  (config) => {
    const { lengths, keys, positions } = config;
    return composeKernel({
      label: `heed/key selection ${selectionKey(config)}`,
      head: [`// ${selectionKey(config)}`, none],
      bindings: [
        { name: 'metadata', kind: 'read', element: 'i32' },
        { name: 'orders', kind: 'read', element: 'vec4<u32>' },
        { name: 'out', kind: 'write', element: 'i32' },
      ],
      parts: [
        lengthsPart(lengths, keys),
        workPart(lengths, 'head', positions),
        diagonalPart,
        rowsPart(lengths, 'head', variantHooks([])),
        rowOffsetPart('out', lengths),
        runningSumPart(THREADS, 'vec2<u32>'),
        { fields, text: thresholdWgsl },
        { fields, text: main(positions) },
      ],
    });
  },
);

const fields = u32Fields('units', 'first_tile', 'columns', 'block_size', 'top_k', 'digits');

// Threads of one subgroup count in different copies, since equal scores would meet in one counter.
const COPIES = 4;

const thresholdWgsl = wgsl`
  const THREADS = ${THREADS}u;
  const COPIES = ${COPIES}u;

  var<workgroup> counters: array<atomic<u32>, ${THREADS * COPIES}>; // ${THREADS * COPIES * 4} bytes
  var<workgroup> found: Threshold;

  // The least order that is selected, and how many entries of that order are. All visible entries have order 1 or more.
  struct Threshold {
    order: u32,
    ties: u32,
  }

  // Counts an order by its digit at \`shift\`, if its higher digits are those of the threshold.
  fn count(order: u32, threshold: u32, shift: u32, copy: u32) {
    let is_alike = shift == 24u || order >> (shift + 8u) == threshold >> (shift + 8u);
    if (order > 0u && is_alike) {
      atomicAdd(&counters[(order >> shift) % THREADS * COPIES + copy], 1u);
    }
  }

  // The threshold of a row of \`vectors\`; (0, 0) if it has fewer visible entries than are to be selected.
  fn threshold_of(first: u32, vectors: u32, thread: u32) -> Threshold {
    if (thread == 0u) {
      found = Threshold(0u, params.top_k);
    }
    for (var digit = 1u; digit <= params.digits; digit++) {
      let shift = 32u - 8u * digit;
      for (var copy = 0u; copy < COPIES; copy++) {
        atomicStore(&counters[thread * COPIES + copy], 0u);
      }
      workgroupBarrier();
      let so_far = found;
      for (var i = thread; i < vectors; i += THREADS) {
        let four = orders[first + i];
        for (var n = 0u; n < 4u; n++) {
          count(four[n], so_far.order, shift, thread % COPIES);
        }
      }
      workgroupBarrier();
      // Thread t has digit 255 − t, so that its running sum counts the entries from that digit up.
      let own_digit = THREADS - 1u - thread;
      var own = 0u;
      for (var copy = 0u; copy < COPIES; copy++) {
        own += atomicLoad(&counters[own_digit * COPIES + copy]);
      }
      let from_here = running_sum(thread, vec2<u32>(own, 0u)).x;
      if (from_here >= so_far.ties && from_here - own < so_far.ties) {
        found = Threshold(so_far.order | (own_digit << shift), so_far.ties - (from_here - own));
      }
      workgroupBarrier();
    }
    return Threshold(found.order, select(0u, found.ties, found.order > 0u));
  }

  fn count_of(flags: vec4<bool>) -> u32 {
    let ones = select(vec4<u32>(), vec4<u32>(1u), flags);
    return ones.x + ones.y + ones.z + ones.w;
  }
`;

const main = (positions: number): string => wgsl`
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
    let work = work_of_tile(params.first_tile + unit / ${positions}u, 0u, 0u);
    let index = work.first_row + unit % ${positions}u;
    if (index >= work.rows) {
      return;
    }
    let first = unit * (params.columns / 4u);
    let entries = (work.seq.k_len + params.block_size - 1u) / params.block_size;
    let vectors = (min(entries, params.columns) + 3u) / 4u;
    let threshold = threshold_of(first, vectors, thread);

    // Each thread lists a run of successive entries, after it knows how many come before.
    let run = (vectors + THREADS - 1u) / THREADS;
    let begin = min(thread * run, vectors);
    let end = min(begin + run, vectors);
    var own = vec2<u32>();
    for (var i = begin; i < end; i++) {
      let four = orders[first + i];
      own += vec2<u32>(count_of(four > vec4<u32>(threshold.order)), count_of(four == vec4<u32>(threshold.order)));
    }
    workgroupBarrier();
    var before = running_sum(thread, own) - own;
    let out_row = out_row_offset(make_row(work, index));
    for (var i = begin; i < end; i++) {
      let four = orders[first + i];
      for (var n = 0u; n < 4u; n++) {
        let is_above = four[n] > threshold.order;
        let is_tie = (four[n] == threshold.order) & (before.y < threshold.ties);
        if (is_above | is_tie) {
          out[out_row + before.x + min(before.y, threshold.ties)] = i32(i * 4u + n);
        }
        before += vec2<u32>(select(0u, 1u, is_above), select(0u, 1u, is_tie));
      }
    }
    workgroupBarrier();
    let all = total_sum();
    for (var i = all.x + min(all.y, threshold.ties) + thread; i < params.top_k; i += THREADS) {
      out[out_row + i] = -1;
    }
  }
`;
