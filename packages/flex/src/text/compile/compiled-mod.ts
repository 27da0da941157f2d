import { type Derivative, derive } from '../backends/derivative.ts';
import {
  type CompiledMaskHook,
  type CompiledScoreHook,
  maskHook,
  scoreHook,
} from '../backends/wgsl/wgsl-hooks.ts';
import { translate, type Translation } from '../frontend/translate.ts';
import type { ModKind } from '../frontend/mod-source.ts';
import { modHash } from '../ir/canonical.ts';
import type { Resolution } from './resolve.ts';

/** A compiled mod, without the values of its captures: `scalars` and `tables` say which captures of a call it reads. */
export interface CompiledMod extends Translation {
  /** Equal for equal computations on captures of the same types, whatever the names: a part of plan keys. */
  readonly hash: string;
}

// Keyed by signature: a mod that is created at each call (an arrow in the call, a fresh `bind`) compiles once.
const cache = new Map<string, CompiledMod>();
const MAX_CACHED = 512;

/**
 * Compiles a mod whose captures are resolved; a mod compiled before comes from the cache.
 * @throws CompileError
 */
export function compileResolved(
  caller: string,
  { unit, captures, signature }: Resolution,
  kind?: ModKind,
): CompiledMod {
  const key = `${kind}\0${signature}`;
  const known = cache.get(key);
  if (known) return known;
  const translation = translate(unit, captures, { caller, kind });
  const compiled = { ...translation, hash: modHash(translation.kind, translation.root) };
  if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value!);
  cache.set(key, compiled);
  return compiled;
}

/** Returns the kernels' hook for a score mod. Equal names and hashes give equal text. */
export function toScoreHook(mod: CompiledMod, name: string): CompiledScoreHook {
  return scoreHook(name, mod.root, () => toDerivative(mod));
}

/** Returns the kernels' hook for a mask. */
export function toMaskHook({ graph, root }: CompiledMod, name: string): CompiledMaskHook {
  return maskHook(name, graph, root);
}

const derivatives = new WeakMap<CompiledMod, Derivative>();

/** Returns the derivative of a score mod, as nodes of its graph. */
export function toDerivative(mod: CompiledMod): Derivative {
  const made = derivatives.get(mod) ?? derive(mod.graph, mod.root);
  derivatives.set(mod, made);
  return made;
}
