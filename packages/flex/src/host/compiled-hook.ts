import { fail, show } from '@heed/kernels-wgsl/variant';
import type { CompiledMaskHook, CompiledScoreHook } from '../text/backends/wgsl/wgsl-hooks.ts';
import {
  type CompiledMod,
  compileResolved,
  toMaskHook,
  toScoreHook,
} from '../text/compile/compiled-mod.ts';
import { functionOf, type PrecompiledMod } from '../text/compile/precompiled.ts';
import { type Resolution, resolve } from '../text/compile/resolve.ts';

/** The role of a function in a kernel. Roles distinguish two uses of one function. */
export type Role = 'score' | 'mask' | 'block';

/** The resolutions of the mods for which a plan was made. */
export type Resolutions = { readonly [R in Role]?: Resolution };

type CompiledHook = CompiledScoreHook | CompiledMaskHook;

/** A compiled mod with its resolution. */
export interface ResolvedMod {
  readonly mod: CompiledMod;
  readonly resolution: Resolution;
}

/**
 * @param fn the public function, which messages name
 * @param like the resolution that a plan was made for: numbers keep the types that they had there
 * @throws CompileError @throws ValidationError
 */
export function compileFor(
  fn: string,
  role: Role,
  source: Function | PrecompiledMod,
  captures?: object,
  like?: Resolution,
): ResolvedMod {
  if (captures === null || (captures !== undefined && typeof captures !== 'object')) {
    const fix = 'Pass them by name: { bias }.';
    fail(fn, 'captures must be an object', show(captures), fix);
  }
  const named = captures as Readonly<Record<string, unknown>>;
  const resolution = resolve(fn, functionOf(fn, source), named, like);
  return { mod: compileResolved(fn, resolution, role === 'score' ? 'score' : 'mask'), resolution };
}

const made = new WeakMap<CompiledMod, Map<Role, CompiledHook>>();
const mods = new WeakMap<object, CompiledMod>();

/** Returns the compiled mod of a hook. */
export function modOf(hook: object): CompiledMod | undefined {
  return mods.get(hook);
}

/**
 * Returns the hook of a compiled mod, made once. Its name contains the mod's hash: kernels are cached by the names of their
 * hooks.
 */
export function hookOf(mod: CompiledMod, role: Role): CompiledHook {
  const hooks = made.get(mod) ?? new Map<Role, CompiledHook>();
  made.set(mod, hooks);
  let hook = hooks.get(role);
  if (!hook) {
    hook = makeHook(mod, role);
    hooks.set(role, hook);
    mods.set(hook, mod);
  }
  return hook;
}

function makeHook(mod: CompiledMod, role: Role): CompiledHook {
  const name = `${role}_${mod.hash}`;
  if (mod.kind === 'score') return toScoreHook(mod, name);
  const hook = toMaskHook(mod, name);
  return role === 'block' ? { ...hook, hasBlocks: true } : hook;
}
