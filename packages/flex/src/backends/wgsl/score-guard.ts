import { wgsl } from '@heed/core/kernel';
import { INFINITE } from '../../ir/infinity.ts';
import { constantOf, type Node, type Op } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';
import { f32Literal } from './literal.ts';

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

/** Whether finite inputs of ordinary size can give no infinity and no NaN. */
export function staysFinite(root: Node): boolean {
  return ordered([root]).every(({ op, type, args }) => {
    if (type !== 'f32' || bounded.has(op)) return true;
    return op === 'mul' && args.some((arg) => constantOf(arg) !== undefined);
  });
}

const infinity = f32Literal(INFINITE);

/**
 * Declares the function that a score passes last: NaN and −∞ hide a pair, +∞ is the largest score there is. Met as bits,
 * since WGSL may assume that there are none.
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
