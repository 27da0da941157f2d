import { fail, show, wgsl } from '@heed/core/kernel';
import type { ScoreHook } from '../../text/parts/hook.ts';
import { type AttentionOption, isF32 } from './attention-option.ts';

export interface SoftcapOption {
  /** cap·tanh(s/cap), after scale, before bias and mask; above 0. */
  readonly softcap?: number;
}

export const softcapOption: AttentionOption<number> = {
  check: (value, _, { fn }) => {
    if (isF32(value) && Math.fround(value) > 0) return;
    fail(fn, 'softcap must be a finite number above 0', show(value), 'Leave it out for no cap.');
  },
  hook: (cap) => ({ hook: softcap, tables: [], values: () => ({ softcap: cap }) }),
  sample: () => 30,
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
