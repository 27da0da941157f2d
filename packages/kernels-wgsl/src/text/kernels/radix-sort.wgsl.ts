import { wgsl } from '@heed/core/kernel';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import { u32Fields } from '../parts/params.ts';
import { runningSumPart } from '../parts/running-sum.wgsl.ts';

/** Digits of one pass. */
const DIGITS = 256;
const THREADS = 64;
/** Keys that one workgroup counts and scatters. */
export const SORT_TILE: number = THREADS * 64;
/** Bits of a digit. */
export const DIGIT_BITS = 8;
/** Threads of the workgroup that adds up the counts. */
export const SUM_THREADS = 256;

const fields = u32Fields('count', 'groups', 'shift', 'strips', 'is_first');

const entry = (body: string): string => wgsl`
  @compute @workgroup_size(${THREADS})
  fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
  ) {
    let group = workgroup.x + workgroup.y * workgroups.x;
    if (group >= params.groups) {
      return;
    }
    let first = group * ${SORT_TILE}u;
    ${body}
  }
`;

/** Counts the digits of the keys of each workgroup: counts [digits, groups]. */
export const countDigitsSource: ComposedKernel = composeKernel({
  label: 'heed/sort: count digits',
  head: [],
  bindings: [
    { name: 'keys', kind: 'read', element: 'u32' },
    { name: 'counts', kind: 'write', element: 'u32' },
  ],
  parts: [
    {
      fields,
      text: wgsl`
        var<workgroup> own: array<atomic<u32>, ${DIGITS}>; // ${DIGITS * 4} bytes

        ${entry(wgsl`
          for (var digit = thread; digit < ${DIGITS}u; digit += ${THREADS}u) {
            atomicStore(&own[digit], 0u);
          }
          workgroupBarrier();
          for (var strip = 0u; strip < params.strips; strip++) {
            let i = first + strip * ${THREADS}u + thread;
            if (i < params.count) {
              atomicAdd(&own[(keys[i] >> params.shift) % ${DIGITS}u], 1u);
            }
          }
          workgroupBarrier();
          for (var digit = thread; digit < ${DIGITS}u; digit += ${THREADS}u) {
            counts[digit * params.groups + group] = atomicLoad(&own[digit]);
          }
        `)}
      `,
    },
  ],
});

/** Replaces each count by the sum of those before it. One workgroup. */
export const sumCountsSource: ComposedKernel = composeKernel({
  label: 'heed/sort: sum counts',
  head: [],
  bindings: [{ name: 'counts', kind: 'write', element: 'u32' }],
  parts: [
    runningSumPart(SUM_THREADS, 'u32'),
    {
      fields: u32Fields('length'),
      text: wgsl`
        @compute @workgroup_size(${SUM_THREADS})
        fn main(@builtin(local_invocation_index) thread: u32) {
          var before = 0u;
          for (var first = 0u; first < params.length; first += ${SUM_THREADS}u) {
            let i = first + thread;
            var own = 0u;
            if (i < params.length) {
              own = counts[i];
            }
            let end = running_sum(thread, own);
            if (i < params.length) {
              counts[i] = before + end - own;
            }
            workgroupBarrier();
            before += total_sum();
            workgroupBarrier();
          }
        }
      `,
    },
  ],
});

/**
 * Moves keys and their values to the place of their digit; those of one digit keep their order. The order within a strip of keys comes
 * from comparing them all, so no result depends on which thread runs first.
 */
export const scatterSource: ComposedKernel = composeKernel({
  label: 'heed/sort: scatter',
  head: [],
  bindings: [
    { name: 'keys', kind: 'read', element: 'u32' },
    { name: 'values', kind: 'read', element: 'u32' },
    { name: 'counts', kind: 'read', element: 'u32' },
    { name: 'sorted_keys', kind: 'write', element: 'u32' },
    { name: 'sorted_values', kind: 'write', element: 'u32' },
  ],
  parts: [
    {
      fields,
      text: wgsl`
        // Where the next key of each digit goes.
        var<workgroup> next: array<atomic<u32>, ${DIGITS}>; // ${DIGITS * 4} bytes
        var<workgroup> digits: array<u32, ${THREADS}>; // ${THREADS * 4} bytes

        ${entry(wgsl`
          for (var digit = thread; digit < ${DIGITS}u; digit += ${THREADS}u) {
            atomicStore(&next[digit], counts[digit * params.groups + group]);
          }
          for (var strip = 0u; strip < params.strips; strip++) {
            let i = first + strip * ${THREADS}u + thread;
            let is_key = i < params.count;
            let key = keys[min(i, params.count - 1u)];
            let digit = (key >> params.shift) % ${DIGITS}u;
            digits[thread] = select(${DIGITS}u, digit, is_key);
            workgroupBarrier();
            var place = atomicLoad(&next[digit]);
            for (var other = 0u; other < thread; other++) {
              place += select(0u, 1u, digits[other] == digit);
            }
            workgroupBarrier();
            if (is_key) {
              var value = i;
              if (params.is_first == 0u) {
                value = values[i];
              }
              sorted_keys[place] = key;
              sorted_values[place] = value;
              atomicAdd(&next[digit], 1u);
            }
          }
        `)}
      `,
    },
  ],
});
