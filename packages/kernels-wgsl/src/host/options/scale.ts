import type { Tensor } from '@heed/core';
import { fail, isTensor, show, wgsl } from '@heed/core/kernel';
import type { ScoreHook } from '../../text/parts/hook.ts';
import { type AttentionOption, type BoundHook, isF32 } from './attention-option.ts';
import { boundHeadNumbers, checkHeadNumbers, headNumberFields } from './head-numbers.ts';

export interface ScaleOption {
  /**
   * Factor of q·k; default 1/√Dqk. As an f32 tensor [] or [Hq], a factor for all query heads or one each, it is read when the work runs,
   * and backward returns `dScale` in its shape.
   */
  readonly scale?: number | Tensor;
}

export const scale: AttentionOption<number | Tensor> = {
  check: (value, name, context) => {
    if (isTensor(value)) return checkHeadNumbers(value, name, context);
    if (isF32(value)) return;
    const rule = 'scale must be a finite number, or an f32 tensor [] or [Hq]';
    fail(context.fn, rule, show(value), 'Leave it out for 1/sqrt(Dqk).');
  },
  hasKinds: true,
  sample: ({ qHeads }, make, kind) =>
    kind === 'tensor' ? make('scale', [qHeads], 'f32') : undefined,
};

/** Returns the hook of scales on the GPU. It comes before all others: it makes the score of the product. */
export function boundScale(scales: Tensor): BoundHook {
  return boundHeadNumbers(headScale, 'scales', scales);
}

/** score · scale of the head, the score being q·k. */
export const headScale: ScoreHook = {
  kind: 'score',
  name: 'scale',
  params: headNumberFields('scales'),
  constants: [
    {
      name: 'scale',
      type: 'f32',
      expression: 'bitcast<f32>(captures[params.scales + head * params.scales_head])',
    },
  ],
  wgsl: wgsl`
    fn score_scale(score: f32, row: Row, key: i32) -> f32 {
      return score * row.scale;
    }
  `,
  gradient: {
    params: [{ name: 'scales_each', type: 'u32' }],
    reads: [{ table: 0, isPerRow: true }],
    hasScoreDerivative: true,
    wgsl: wgsl`
      fn score_derivative_scale(score: f32, row: Row, key: i32) -> f32 {
        return row.scale;
      }

      fn partial_scale_0(score: f32, row: Row, key: i32) -> f32 {
        return score;
      }

      fn element_scale_0(score: f32, row: Row, key: i32) -> u32 {
        return u32(row.head) * params.scales_each;
      }
    `,
  },
};
