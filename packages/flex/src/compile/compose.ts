import { ValidationError } from '@heed/core';
import type { Captures, MaskMod, SeqInfo } from './types.ts';

type AnyFunction = (...args: never[]) => unknown;
type AnyMask = MaskMod<never>;

/** What a composed function is made of. The compiler reads this instead of the function's source. */
export type Composition =
  | { readonly kind: 'bind'; readonly mod: Function; readonly captures: Captures }
  | { readonly kind: 'and' | 'or' | 'not'; readonly parts: readonly Function[] };

// Survives duplicate installs of this package.
const composition: unique symbol = Symbol.for('heed.flex.composition') as never;

export function compositionOf(fn: Function): Composition | undefined {
  return (fn as { readonly [composition]?: Composition })[composition];
}

function compose<F>(fn: F, parts: Composition): F {
  return Object.assign(fn as object, { [composition]: parts }) as F;
}

/**
 * A mod with a scope of its own. The values go before those that `options.captures` has under the same names, and may be
 * bound again from outside: what is unbound is looked up further out.
 *
 * @param mod a score mod, a mask, or any function that takes its captures as the first parameter that is not a number
 * @example
 * const window = bind(slidingWindow, { window: 256 });
 * flexAttention(q, k, v, { maskMod: andMasks(window, bind(document, { id })) });
 */
export function bind<F extends AnyFunction>(mod: F, captures: Captures): F {
  checkFunction('bind', mod);
  const bound = (...args: unknown[]): unknown => {
    const found = args.findIndex((arg) => arg === undefined || isPlainObject(arg));
    const position = found < 0 ? args.length : found;
    const all = { ...(args[position] as object | undefined), ...captures };
    return (mod as Function)(...args.toSpliced(position, 1, all));
  };
  return compose(bound, { kind: 'bind', mod, captures }) as unknown as F;
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** What every mask of a list shows. Each keeps its own scope. */
export function andMasks<M extends AnyMask>(...masks: readonly M[]): M {
  return combine('andMasks', 'and', masks, (run) => masks.every(run));
}

/** What some mask of a list shows. Each keeps its own scope. */
export function orMasks<M extends AnyMask>(...masks: readonly M[]): M {
  return combine('orMasks', 'or', masks, (run) => masks.some(run));
}

/** What a mask hides. */
export function notMask<M extends AnyMask>(mask: M): M {
  return combine('notMask', 'not', [mask], (run) => !run(mask));
}

function combine<M extends AnyMask>(
  name: string,
  kind: 'and' | 'or' | 'not',
  parts: readonly M[],
  all: (run: (mask: M) => boolean) => boolean,
): M {
  if (parts.length === 0) {
    throw new ValidationError(`${name}: give at least one mask; got none. Pass ${name}(mask).`);
  }
  for (const part of parts) checkFunction(name, part);
  type Args = [number, number, number, number, never, SeqInfo];
  const combined = (...args: Args): boolean => all((mask) => mask(...args));
  return compose(combined, { kind, parts }) as unknown as M;
}

function checkFunction(caller: string, fn: unknown): void {
  if (typeof fn === 'function') return;
  throw new ValidationError(
    `${caller}: a mod must be a function; got ${fn === null ? 'null' : typeof fn}. Pass a function like (b, h, q, kv) => q >= kv.`,
  );
}
