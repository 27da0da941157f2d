import { isHalf, memoized, roundHalf } from '@heed/core/kernel';
import type { ComposedKernel } from '../parts/kernel-parts.ts';
import { splitRowOffsetPart } from '../parts/query-rows.wgsl.ts';
import { writeElement, writePart } from '../parts/row-access.wgsl.ts';
import { epiloguePart } from '../parts/softmax.wgsl.ts';
import { type ForwardConfig, forwardKey } from '../tiles/kernel-config.ts';
import { forwardMain, tileShape } from '../tiles/tile-paths.ts';
import { attentionKernel } from './attention-kernel.wgsl.ts';

/** Returns the forward kernel of a config. It writes out and, if wanted, lse. */
export const forwardSource: (config: ForwardConfig) => ComposedKernel = memoized(
  forwardKey,
  (config) => {
    const { outType, write, headDimV, lengths, cascade } = config;
    const isRaw = cascade?.pass === 'prefix';
    return attentionKernel(config, {
      pass: 'forward',
      key: forwardKey(config),
      shape: tileShape(config.tile),
      resultType: outType,
      inputs: [],
      outputs: [
        { name: 'out', kind: 'write', element: writeElement(outType, write) },
        { name: 'lse', kind: 'write', element: 'u32' },
      ],
      // The states of a prefix pass go where lse does, and its rows have no other result.
      access: isRaw
        ? []
        : [
            splitRowOffsetPart('out_row_offset', 'out', lengths),
            isHalf(outType) && roundHalf(outType),
            writePart(outType, write, headDimV),
          ],
      compute: isRaw ? [] : [epiloguePart(config.hooks)],
      main: forwardMain(config),
    });
  },
);
