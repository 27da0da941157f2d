import { wgsl } from '@heed/core/kernel';

/**
 * tanh to f32 accuracy. WGSL's own is only bound in absolute error, which softcap multiplies by its cap, and overflows to
 * NaN on some adapters. Below 0.625 the minimax polynomial of Cephes' tanhf, above it the exponential form.
 */
export const tanhWgsl: string = wgsl`
  fn tanh_f32(x: f32) -> f32 {
    let z = x * x;
    let small = ((((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1) * z * x + x;
    let large = sign(x) * (1.0 - 2.0 / (exp(2.0 * min(abs(x), 10.0)) + 1.0));
    return select(large, small, abs(x) < 0.625);
  }
`;
