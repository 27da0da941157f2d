import { wgsl } from '@heed/core/kernel';

/** Declares `add_dot(sum, a, b)`: sum + a · b, in the order of the elements. A chain is one instruction per element. */
export const addDot: string = wgsl`
  // sum + a · b, in the order of the elements: a chain is one instruction per element.
  fn add_dot(sum: f32, a: vec4<f32>, b: vec4<f32>) -> f32 {
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
  }
`;
