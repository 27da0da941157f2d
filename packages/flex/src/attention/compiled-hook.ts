import { fail, show } from '@heed/kernels-wgsl/variant';
import type { CompiledMaskHook, CompiledScoreHook } from '../backends/wgsl/hooks.ts';
import { type CompiledMod, compileResolved, toMaskHook, toScoreHook } from '../compile/compiled.ts';
import { type Resolution, resolve } from '../compile/resolve.ts';

/** What a function is to a kernel. Roles keep two uses of one function apart. */
export type Role = 'score' | 'mask' | 'block';

type CompiledHook = CompiledScoreHook | CompiledMaskHook;

/** A function of the user, compiled, and what it captures. */
export interface ResolvedMod {
  readonly mod: CompiledMod;
  readonly resolution: Resolution;
}

/**
 * @param fn the public function, for messages
 * @throws CompileError @throws ValidationError
 */
export function compileFor(
  fn: string,
  role: Role,
  source: Function,
  captures?: object,
): ResolvedMod {
  if (captures === null || (captures !== undefined && typeof captures !== 'object')) {
    const fix = 'Pass them by name: { bias }.';
    fail(fn, 'captures must be an object', show(captures), fix);
  }
  const resolution = resolve(fn, source, captures as Readonly<Record<string, unknown>>);
  return { mod: compileResolved(fn, resolution, role === 'score' ? 'score' : 'mask'), resolution };
}

const made = new WeakMap<CompiledMod, Map<Role, CompiledHook>>();

/** The hook of a compiled mod, made once. Its name has the mod's hash, since kernels are found by the names of their hooks. */
export function hookOf(mod: CompiledMod, role: Role): CompiledHook {
  const hooks = made.get(mod) ?? new Map<Role, CompiledHook>();
  made.set(mod, hooks);
  let hook = hooks.get(role);
  if (!hook) hooks.set(role, (hook = makeHook(mod, role)));
  return hook;
}

function makeHook(mod: CompiledMod, role: Role): CompiledHook {
  const name = `${role}_${mod.hash}`;
  if (mod.kind === 'score') return toScoreHook(mod, name);
  const hook = toMaskHook(mod, name);
  return role === 'block' ? { ...hook, hasBlocks: true } : hook;
}
