import { ValidationError } from '@heed/core';
import { copyOf } from '@heed/core/kernel';
import type { AllOf, Captures, MaskMod, ScoreMod } from './mod-types.ts';
import { compose, functionOf, type PrecompiledMod } from './precompiled.ts';

type AnyMask = MaskMod<never>;

/**
 * Binds captures to a mod. Bound values take precedence over values of the same names in `options.captures`; names that are not
 * bound come from there, or from a further `bind` around this one.
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

/** Combines masks: a pair is visible where all masks show it. Each mask keeps its own captures. */
export function andMasks<Cs extends readonly unknown[]>(
  ...masks: { readonly [I in keyof Cs]: MaskMod<Cs[I]> | PrecompiledMod }
): MaskMod<AllOf<Cs>> {
  return combine('andMasks', 'and', masks, (all, run) => all.every(run));
}

/** Combines masks: a pair is visible where at least one mask shows it. Each mask keeps its own captures. */
export function orMasks<Cs extends readonly unknown[]>(
  ...masks: { readonly [I in keyof Cs]: MaskMod<Cs[I]> | PrecompiledMod }
): MaskMod<AllOf<Cs>> {
  return combine('orMasks', 'or', masks, (all, run) => all.some(run));
}

/** Inverts a mask: a pair is visible where the mask hides it. */
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
  // The combination needs the captures of its parts; the types of its callers name them.
  return compose(combined, { kind, parts }) as never;
}
