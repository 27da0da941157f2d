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

/** What a function is to a kernel. Roles keep two uses of one function apart. */
export type Role = 'score' | 'mask' | 'block';

/** The mods of a plan, as they were when it was made. */
export type Resolutions = { readonly [R in Role]?: Resolution };

type CompiledHook = CompiledScoreHook | CompiledMaskHook;

/** A function of the user, compiled, and what it captures. */
export interface ResolvedMod {
  readonly mod: CompiledMod;
  readonly resolution: Resolution;
}

/**
 * @param fn the public function, for messages
 * @param like what a plan was made for: numbers keep the types that they had there
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

/** What a hook was made of. */
export function modOf(hook: object): CompiledMod | undefined {
  return mods.get(hook);
}

/** The hook of a compiled mod, made once. Its name has the mod's hash, since kernels are found by the names of their hooks. */
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
