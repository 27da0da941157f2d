import { visiblePairs } from '../flops.ts';
import type { BoxCase } from './case.ts';

/** Matrix products of a pass: queries with keys and weights with values; backward has five. */
const products = { forward: 2, backward: 5 } as const;

/** Floating-point operations that a case needs: what a mask hides counts nothing. */
export function flopsOfCase(c: BoxCase): number {
  const window = c.mod?.kind === 'slidingWindow' ? c.mod.window : undefined;
  const pairs = visiblePairs(c.seqlenQ, c.seqlenK, c.causal || window !== undefined, window);
  return 2 * products[c.pass] * c.headDim * c.batch * c.headsQ * pairs;
}

/** Bytes of f16 that a case has to move at least: each tensor once. */
export function bytesOfCase(c: BoxCase): number {
  const q = c.batch * c.headsQ * c.seqlenQ * c.headDim;
  const k = c.batch * c.headsKv * c.seqlenK * c.headDim;
  // q, out | k, v; backward: q, out, dOut, dq | k, v, dk, dv.
  return 2 * (c.pass === 'forward' ? 2 * q + 2 * k : 4 * q + 4 * k);
}
