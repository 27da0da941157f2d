import type { Gpu, Tensor } from '../text/gpu.ts';
import { rawState, stateOf } from '../host/gpu-state.ts';
import { runSync } from '../text/errors.ts';
import { adopt, isAlive, isTensor, storageOf } from './tensor.ts';

/** Runs `fn`, then disposes the things that it made and that its result does not hold. */
export function scopeRun<T>(gpu: Gpu, fn: () => T): T {
  const state = stateOf(gpu);
  const outer = state.made;
  const made = (state.made = new Set<Disposable>());
  try {
    const result = runSync('gpu.scope', fn);
    state.made = outer;
    for (const kept of held(result, made)) {
      made.delete(kept);
      outer?.add(kept);
    }
    return result;
  } finally {
    state.made = outer;
    for (const thing of made) thing[Symbol.dispose]();
  }
}

/** Returns the things that a result holds. Views become owners of memory that the result holds only in views. */
function held(result: unknown, made: ReadonlySet<Disposable>): Disposable[] {
  const kept: Disposable[] = [];
  const views: Tensor[] = [];
  const seen = new Set<unknown>();
  const look = (x: unknown): void => {
    if (typeof x !== 'object' || x === null || ArrayBuffer.isView(x) || seen.has(x)) return;
    seen.add(x);
    const isMade = made.has(x as Disposable);
    if (isMade) kept.push(x as Disposable);
    if (!isTensor(x)) for (const value of Object.values(x)) look(value);
    else if (!isMade) views.push(x);
  };
  look(result);
  const memory = new Set([...made].filter(isTensor).map(storageOf));
  for (const owner of kept.filter(isTensor)) memory.delete(storageOf(owner));
  const orphans = views.filter((view) => memory.has(storageOf(view)) && isAlive(view));
  return [...kept, ...orphans.map(adopt)];
}

/** Runs `make` and hides its tensors from open scopes: something else owns their memory, which outlives the call. */
export function unscoped<T>(gpu: Gpu, make: () => T): T {
  const state = stateOf(gpu);
  const { made } = state;
  state.made = undefined;
  try {
    return make();
  } finally {
    state.made = made;
  }
}

/** Adds a thing to the open scope, which disposes it like a tensor. */
export function scoped<T extends Disposable>(gpu: Gpu, thing: T): T {
  rawState(gpu).made?.add(thing);
  return thing;
}
