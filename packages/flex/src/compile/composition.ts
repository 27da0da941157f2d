import type { GraphUnit } from '../frontend/unit.ts';
import type { Captures } from './types.ts';

/** What a function that heed has made is made of. The compiler reads this instead of the function's source. */
export type Composition =
  | { readonly kind: 'bind'; readonly mod: Function; readonly captures: Captures }
  | { readonly kind: 'and' | 'or' | 'not'; readonly parts: readonly Function[] }
  | GraphUnit;

// Survives duplicate installs of this package.
const composition: unique symbol = Symbol.for('heed.flex.composition') as never;

export function compositionOf(fn: Function): Composition | undefined {
  return (fn as { readonly [composition]?: Composition })[composition];
}

export function compose<F>(fn: F, parts: Composition): F {
  return Object.assign(fn as object, { [composition]: parts }) as F;
}
