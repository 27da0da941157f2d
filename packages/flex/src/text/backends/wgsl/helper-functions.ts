import { wgsl } from '@heed/core/kernel';
import { INFINITE } from '../../ir/evaluate-operation.ts';
import { constantOf, type Node, type Op } from '../../ir/expression-node.ts';
import { ordered } from '../../ir/traversal.ts';
import { f32Literal, type Helper } from './expression-text.ts';

const infinity = f32Literal(INFINITE);

/**
 * Functions that WGSL lacks, or has with too little accuracy or too small a domain. Their names start with the hook's name.
 * They run for every score, so nothing in them may branch, as `&&` does: some compilers take too long over that.
 */
const helpers: Record<Helper, (name: string) => string> = {
  // The same function as in the softcap of @heed/kernels-wgsl: WGSL's tanh is inaccurate near 0, and NaN on some adapters far
  // from it.
  tanh: (name) => wgsl`
    fn ${name}(x: f32) -> f32 {
      let z = x * x;
      let small = ((((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1) * z * x + x;
      let large = sign(x) * (1.0 - 2.0 / (exp(2.0 * min(abs(x), 10.0)) + 1.0));
      return select(large, small, abs(x) < 0.625);
    }
  `,
  // WGSL's pow needs a positive base. Other cases follow Math.pow, and `evaluate` where Math.pow gives no number.
  pow: (name) => wgsl`
    fn ${name}(x: f32, y: f32) -> f32 {
      let of_zero = select(0.0, ${infinity}, y < 0.0);
      let size = select(pow(abs(x), y), of_zero, x == 0.0);
      let power = select(size, 1.0, (y == 0.0) | (abs(x) == 1.0));
      let odd = y - 2.0 * floor(y * 0.5) == 1.0;
      let signed = select(power, -power, (x < 0.0) & odd);
      return select(signed, -${infinity}, (x < 0.0) & (floor(y) != y));
    }
  `,
  atan2: (name) => wgsl`
    fn ${name}(y: f32, x: f32) -> f32 {
      return select(atan2(y, x), 0.0, (y == 0.0) & (x == 0.0));
    }
  `,
  log: (name) => logarithm(name, 'log'),
  log2: (name) => logarithm(name, 'log2'),
  // Exact, as in JavaScript, by long division of the mantissas, 8 bits at a time. WGSL's % rounds the quotient.
  fmod: (name) => wgsl`
    fn ${name}(x: f32, y: f32) -> f32 {
      let a = bitcast<u32>(abs(x));
      let b = bitcast<u32>(abs(y));
      let exponent = clamp(b >> 23u, 1u, 254u);
      let divisor = max((b & 0x7fffffu) | select(0u, 0x800000u, b > 0x7fffffu), 1u);
      var rest = ((a & 0x7fffffu) | select(0u, 0x800000u, a > 0x7fffffu)) % divisor;
      for (var left = max(max(a >> 23u, 1u), exponent) - exponent; left > 0u; left -= min(left, 8u)) {
        rest = (rest << min(left, 8u)) % divisor;
      }
      let inside = (f32(rest) * 1.1920928955078125e-7) * bitcast<f32>(exponent << 23u);
      let size = select(inside, abs(x), a < b);
      return select(select(size, -size, x < 0.0), -${infinity}, y == 0.0);
    }
  `,
  floor_div: (name) => wgsl`
    fn ${name}(x: i32, y: i32) -> i32 {
      let rest = x % y;
      return x / y - select(0, 1, (rest != 0) & ((rest ^ y) < 0));
    }
  `,
};

/** Adapters differ at 0, so the result there is fixed. */
const logarithm = (name: string, fn: string): string => wgsl`
  fn ${name}(x: f32) -> f32 {
    return select(${fn}(x), -${infinity}, x <= 0.0);
  }
`;

/** Returns the declarations of the helpers that a text calls, in a fixed order. */
export function helperText(prefix: string, used: ReadonlySet<Helper>): string[] {
  const names = Object.keys(helpers) as Helper[];
  return names
    .filter((name) => used.has(name))
    .map((name) => helpers[name](helperName(prefix, name)));
}

export function helperName(prefix: string, helper: Helper): string {
  return `${prefix}_${helper}`;
}

const bounded: ReadonlySet<Op> = new Set<Op>([
  ...([
    'const',
    'input',
    'param',
    'read',
    'add',
    'sub',
    'neg',
    'abs',
    'min',
    'max',
    'sign',
  ] as const),
  ...([
    'floor',
    'ceil',
    'trunc',
    'select',
    'toF32',
    'tanh',
    'sin',
    'cos',
    'atan',
    'asinh',
  ] as const),
]);

/** Whether finite inputs of ordinary size cannot produce an infinity or NaN. */
export function staysFinite(root: Node): boolean {
  return ordered([root]).every(({ op, type, args }) => {
    if (type !== 'f32' || bounded.has(op)) return true;
    return op === 'mul' && args.some((arg) => constantOf(arg) !== undefined);
  });
}

/**
 * Declares the function that every score passes last: NaN and −∞ become the score of a hidden pair, +∞ the largest score. They
 * are compared as bits, since WGSL may assume that neither occurs.
 */
export function scoreGuard(name: string): string {
  return wgsl`
    fn ${name}(score: f32) -> f32 {
      let bits = bitcast<u32>(score);
      let infinite = select(-${infinity}, ${infinity}, bits == 0x7f800000u);
      return select(score, infinite, (bits & 0x7fffffffu) >= 0x7f800000u);
    }
  `;
}
