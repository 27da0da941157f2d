import { ValidationError } from '@heed/core';
import { copyOf } from '@heed/core/kernel';
import type { AllOf, Captures, MaskMod, ScoreMod } from './mod-types.ts';
import { compose, functionOf, type PrecompiledMod } from './precompiled.ts';

type AnyMask = MaskMod<never>;

/**
 * A mod with a scope of its own. The values go before those that `options.captures` has under the same names, and may be
 * bound again from outside: what is unbound is looked up further out.
 *
 * @param mod a score mod, a mask, or any function that takes its captures as the first parameter that is not a number
 * @example
 * const window = bind(slidingWindow, { window: 256 });
 * flexAttention(q, k, v, { maskMod: andMasks(window, bind(document, { id })) });
 */
export function bind<C extends Captures>(mod: ScoreMod<C>, captures: C): ScoreMod;
export function bind<C extends Captures>(mod: MaskMod<C>, captures: C): MaskMod;
export function bind<C, B extends Partial<C> & Captures>(
  mod: ScoreMod<C>,
  captures: B,
): ScoreMod<Omit<C, keyof B>>;
export function bind<C, B extends Partial<C> & Captures>(
  mod: MaskMod<C>,
  captures: B,
): MaskMod<Omit<C, keyof B>>;
export function bind<F extends Function>(mod: F, captures: Captures): F;
export function bind(mod: PrecompiledMod, captures: Captures): ScoreMod & MaskMod;
export function bind(given: Function | PrecompiledMod, values: Captures): Function {
  const mod = functionOf('bind', given);
  const captures = copyOf({ ...values });
  const bound = (...args: unknown[]): unknown => {
    const found = args.findIndex((arg) => arg === undefined || isPlainObject(arg));
    const position = found < 0 ? args.length : found;
    const all = { ...(args[position] as object | undefined), ...captures };
    return mod(...args.toSpliced(position, 1, all));
  };
  return compose(bound, { kind: 'bind', mod, captures });
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** What every mask of a list shows. Each keeps its own scope. */
export function andMasks<Cs extends readonly unknown[]>(
  ...masks: { readonly [I in keyof Cs]: MaskMod<Cs[I]> | PrecompiledMod }
): MaskMod<AllOf<Cs>> {
  return combine('andMasks', 'and', masks, (all, run) => all.every(run));
}

/** What some mask of a list shows. Each keeps its own scope. */
export function orMasks<Cs extends readonly unknown[]>(
  ...masks: { readonly [I in keyof Cs]: MaskMod<Cs[I]> | PrecompiledMod }
): MaskMod<AllOf<Cs>> {
  return combine('orMasks', 'or', masks, (all, run) => all.some(run));
}

/** What a mask hides. */
export function notMask<C = {}>(mask: MaskMod<C> | PrecompiledMod): MaskMod<C> {
  return combine('notMask', 'not', [mask], ([only], run) => !run(only!));
}

function combine(
  name: string,
  kind: 'and' | 'or' | 'not',
  masks: readonly unknown[],
  all: (masks: readonly AnyMask[], run: (mask: AnyMask) => boolean) => boolean,
): never {
  if (masks.length === 0) {
    throw new ValidationError(`${name}: give at least one mask; got none. Pass ${name}(mask).`);
  }
  const parts = masks.map((mask) => functionOf(name, mask) as AnyMask);
  const combined: AnyMask = (...args) => all(parts, (mask) => mask(...args));
  // Whatever captures the parts want, the combination wants: its callers say which.
  return compose(combined, { kind, parts }) as never;
}
