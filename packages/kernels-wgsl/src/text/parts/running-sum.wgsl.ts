import { wgsl } from '@heed/core/kernel';
import type { KernelPart } from './kernel-parts.ts';
import { type ParamValues, u32Fields } from './params.ts';

/**
 * Declares `running_sum(thread, value)`, the sum of the values of this thread and those before it, and `total_sum()`, which needs a
 * barrier before it. Every thread of the workgroup must call it. A barrier must separate a call from earlier uses of `sums`.
 */
export function runningSumPart(threads: number, type: 'u32' | 'vec2<u32>'): KernelPart {
  const bytes = threads * (type === 'u32' ? 4 : 8);
  return {
    fields: u32Fields('scan_end'),
    text: wgsl`
      var<workgroup> sums: array<${type}, ${threads}>; // ${bytes} bytes

      // The sum over this thread and those before it.
      fn running_sum(thread: u32, value: ${type}) -> ${type} {
        sums[thread] = value;
        for (var step = 1u; step < params.scan_end; step *= 2u) {
          workgroupBarrier();
          let before = sums[max(thread, step) - step];
          workgroupBarrier();
          sums[thread] += select(${type}(), before, thread >= step);
        }
        return sums[thread];
      }

      fn total_sum() -> ${type} {
        return sums[${threads - 1}u];
      }
    `,
  };
}

/** The number of threads as a parameter: some compilers unroll every loop whose bound they know. */
export const scanValues = (threads: number): ParamValues => ({ scan_end: threads });
