import type { Tensor } from '@heed/core';
import { fail, isTensor, show, wgsl } from '@heed/core/kernel';
import type { ScoreHook } from '../../text/parts/hook.ts';
import { type AttentionOption, isF32 } from './attention-option.ts';
import { boundHeadNumbers, checkHeadNumbers, headNumberFields } from './head-numbers.ts';

export interface SoftcapOption {
  /**
   * cap·tanh(s/cap), after scale, before bias and mask; above 0. As an f32 tensor [] or [Hq], a cap for all query heads or one each, it is
   * read when the work runs, and backward returns `dSoftcap` in its shape.
   */
  readonly softcap?: number | Tensor;
}

export const softcapOption: AttentionOption<number | Tensor> = {
  check: (value, name, context) => {
    if (isTensor(value)) return checkHeadNumbers(value, name, context);
    if (isF32(value) && Math.fround(value) > 0) return;
    const rule = 'softcap must be a finite number above 0, or an f32 tensor [] or [Hq]';
    fail(context.fn, rule, show(value), 'Leave it out for no cap.');
  },
  hook: (cap) =>
    typeof cap === 'number'
      ? { hook: softcap, tables: [], values: () => ({ softcap: cap }) }
      : boundHeadNumbers(headSoftcap, 'softcaps', cap),
  hasKinds: true,
  sample: ({ qHeads }, make, kind) => (kind === 'tensor' ? make('softcap', [qHeads], 'f32') : 30),
  isVariant: true,
};

/**
 * tanh to f32 accuracy. WGSL bounds only the absolute error of its builtin, and softcap multiplies that error by its cap; on
 * some adapters the builtin also overflows to NaN. Below 0.625 this is the minimax polynomial of Cephes' tanhf, above it the
 * exponential form.
 */
export const tanhWgsl: string = wgsl`
  fn tanh_f32(x: f32) -> f32 {
    let z = x * x;
    let small = ((((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1) * z * x + x;
    let large = sign(x) * (1.0 - 2.0 / (exp(2.0 * min(abs(x), 10.0)) + 1.0));
    return select(large, small, abs(x) < 0.625);
  }
`;

/** cap·tanh(score / cap), as in Gemma 2 and flash-attention. */
export const softcap: ScoreHook = {
  kind: 'score',
  name: 'softcap',
  params: [{ name: 'softcap', type: 'f32' }],
  wgsl: wgsl`
    ${tanhWgsl}

    fn score_softcap(score: f32, row: Row, key: i32) -> f32 {
      return params.softcap * tanh_f32(score / params.softcap);
    }
  `,
  gradient: {
    params: [],
    reads: [],
    hasScoreDerivative: true,
    wgsl: wgsl`
      fn score_derivative_softcap(score: f32, row: Row, key: i32) -> f32 {
        let t = tanh_f32(score / params.softcap);
        return 1.0 - t * t;
      }
    `,
  },
};

/** The same with a cap that a head has of its own. */
export const headSoftcap: ScoreHook = {
  kind: 'score',
  name: 'head_softcap',
  params: headNumberFields('softcaps'),
  constants: [
    {
      name: 'softcap',
      type: 'f32',
      expression: 'bitcast<f32>(captures[params.softcaps + head * params.softcaps_head])',
    },
  ],
  wgsl: wgsl`
    ${tanhWgsl}

    fn score_head_softcap(score: f32, row: Row, key: i32) -> f32 {
      return row.softcap * tanh_f32(score / row.softcap);
    }
  `,
  gradient: {
    params: [{ name: 'softcaps_each', type: 'u32' }],
    reads: [{ table: 0, isPerRow: true }],
    hasScoreDerivative: true,
    wgsl: wgsl`
      fn score_derivative_head_softcap(score: f32, row: Row, key: i32) -> f32 {
        let t = tanh_f32(score / row.softcap);
        return 1.0 - t * t;
      }

      // tanh(x) − x·(1 − tanh²(x)) for x = score / cap; near 0, where the two cancel, by its series.
      fn partial_head_softcap_0(score: f32, row: Row, key: i32) -> f32 {
        let x = score / row.softcap;
        let z = x * x;
        let t = tanh_f32(x);
        let near = x * z * (0.6666666667 + z * (-0.5333333333 + z * 0.3238095238));
        return select(t - x * (1.0 - t * t), near, abs(x) < 0.1);
      }

      fn element_head_softcap_0(score: f32, row: Row, key: i32) -> u32 {
        return u32(row.head) * params.softcaps_each;
      }
    `,
  },
};
