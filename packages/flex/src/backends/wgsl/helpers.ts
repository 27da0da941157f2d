import { wgsl } from '@heed/core/kernel';
import type { Helper } from './expression.ts';

/**
 * Functions that WGSL lacks, or has with too little accuracy or too small a domain. Names start with the hook's. They are
 * called for every score, so nothing in them may branch, as `&&` does: some compilers never get through that.
 */
const helpers: Record<Helper, (name: string) => string> = {
  // As in the softcap of @heed/kernels-wgsl: WGSL's tanh is inaccurate near 0, and NaN on some adapters far from it.
  tanh: (name) => wgsl`
    fn ${name}(x: f32) -> f32 {
      let z = x * x;
      let small = ((((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1) * z * x + x;
      let large = sign(x) * (1.0 - 2.0 / (exp(2.0 * min(abs(x), 10.0)) + 1.0));
      return select(large, small, abs(x) < 0.625);
    }
  `,
  // WGSL's pow wants a positive base.
  pow: (name) => wgsl`
    fn ${name}(x: f32, y: f32) -> f32 {
      let size = select(select(pow(abs(x), y), 0.0, (x == 0.0) & (y > 0.0)), 1.0, y == 0.0);
      let odd = y - 2.0 * floor(y * 0.5) == 1.0;
      return select(size, -size, (x < 0.0) & odd);
    }
  `,
  // WGSL's % rounds the quotient, which can be one too many at a multiple of y.
  fmod: (name) => wgsl`
    fn ${name}(x: f32, y: f32) -> f32 {
      let size = abs(y);
      let rest = abs(x) - floor(abs(x) / size) * size;
      let above = select(rest, rest + size, rest < 0.0);
      let inside = select(above, above - size, above >= size);
      return select(inside, -inside, x < 0.0);
    }
  `,
  floor_div: (name) => wgsl`
    fn ${name}(x: i32, y: i32) -> i32 {
      let rest = x % y;
      return x / y - select(0, 1, (rest != 0) & ((rest ^ y) < 0));
    }
  `,
};

/** Declarations of the helpers that some text calls, in a fixed order. */
export function helperText(prefix: string, used: ReadonlySet<Helper>): string[] {
  const names = Object.keys(helpers) as Helper[];
  return names
    .filter((name) => used.has(name))
    .map((name) => helpers[name](helperName(prefix, name)));
}

export function helperName(prefix: string, helper: Helper): string {
  return `${prefix}_${helper}`;
}
