import { CompileError, ValidationError } from '@heed/core';
import { twin } from '../backends/twin.ts';
import type { GraphUnit, ModKind } from '../frontend/mod-source.ts';
import { modHash } from '../ir/canonical.ts';
import { decodeGraph, encodeGraph } from '../ir/encode-graph.ts';
import { asScore } from '../ir/evaluate-operation.ts';
import type { Node, ScalarSlot, Slot, TableSlot } from '../ir/expression-node.ts';
import type { Captures } from './mod-types.ts';

/**
 * A mod as `JSON.stringify(compileMod(mod, captures))` writes it and `JSON.parse` reads it, for engines that keep no sources of
 * functions, such as Hermes. It may be passed wherever a mod may, and gives the same kernel. Its captures are bound by name,
 * like a mod's, with the types that they were compiled with.
 */
export interface PrecompiledMod {
  /** The version of the format. */
  readonly heedMod: number;
  /** 'score' or 'mask'. */
  readonly kind: string;
  /** The hash of `compileMod`: it shows whether the operations were changed since. */
  readonly hash: string;
  readonly captures: readonly object[];
  readonly operations: readonly (readonly (string | number | boolean)[])[];
}

const VERSION = 1;

// No smaller than the limits of a compiled mod.
const MAX_ROWS = 4096;
const MAX_NAME = 256;

/** Returns a compiled mod as JSON. */
export function precompiled(
  kind: ModKind,
  hash: string,
  root: Node,
  slots: readonly Slot[],
): PrecompiledMod {
  const captures = slots.map((slot) =>
    slot.kind === 'scalar'
      ? { name: slot.name, type: slot.type }
      : { name: slot.name, dtype: slot.dtype, rank: slot.rank },
  );
  return { heedMod: VERSION, kind, hash, captures, operations: encodeGraph(root, slots) };
}

export function isPrecompiled(value: unknown): value is PrecompiledMod {
  return typeof value === 'object' && value !== null && 'heedMod' in value;
}

// Keyed by text: calls copy their options, so the same mod is a new object each time.
const functions = new Map<string, Function>();
const MAX_CACHED = 512;

/**
 * Returns the function of a mod: the mod itself, or a function that runs a precompiled mod.
 * @throws ValidationError it is neither
 * @throws CompileError a precompiled mod has another version, or was changed since compileMod wrote it
 */
export function functionOf(caller: string, mod: unknown): Function {
  if (typeof mod === 'function') return mod;
  if (!isPrecompiled(mod)) {
    const got = mod === null ? 'null' : typeof mod;
    throw new ValidationError(
      `${caller}: a mod must be a function, or one that compileMod has precompiled; got ${got}. Pass a function like (b, h, q, kv) => q >= kv.`,
    );
  }
  const text = JSON.stringify(mod);
  const known = functions.get(text);
  if (known) return known;
  const unit = decode(caller, mod);
  const fn = compose(runnable(unit), unit);
  if (functions.size >= MAX_CACHED) functions.delete(functions.keys().next().value!);
  functions.set(text, fn);
  return fn;
}

function decode(caller: string, mod: PrecompiledMod): GraphUnit {
  const remedy = 'Write it again: JSON.stringify(compileMod(mod, captures)).';
  const refuse = (rule: string): never => {
    throw new CompileError(`${caller}: ${rule}. ${remedy}`);
  };
  const { heedMod, kind, hash, captures, operations } = mod;
  if (heedMod !== VERSION) {
    return refuse(`a precompiled mod must be of version ${VERSION}; got ${String(heedMod)}`);
  }
  const isShaped =
    (kind === 'score' || kind === 'mask') &&
    [captures, operations].every((list) => Array.isArray(list) && list.length <= MAX_ROWS);
  const slots = isShaped ? captures.map(slotOf) : [];
  const isKnown = isShaped && slots.every((slot) => slot !== undefined);
  const root = isKnown ? decodeGraph(operations, slots) : undefined;
  const isWhole = root?.type === (kind === 'mask' ? 'bool' : 'f32');
  if (!root || !isWhole || modHash(kind, root) !== hash) {
    return refuse('a precompiled mod must be as compileMod wrote it, and this has been changed');
  }
  return { kind: 'graph', of: kind as ModKind, hash, root, slots: slots as Slot[] };
}

const types = ['i32', 'f32', 'bool'];
const dtypes = ['f32', 'f16', 'bf16', 'i32', 'u32'];

/** Scalars and tables are numbered separately, in the order of first use. */
function slotOf(capture: unknown, place: number, all: readonly unknown[]): Slot | undefined {
  const { name, type, dtype, rank } = (capture ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || name.length > MAX_NAME) return undefined;
  const isScalar = (other: unknown): boolean =>
    (other as { readonly type?: unknown } | null)?.type !== undefined;
  const index = all.slice(0, place).filter((other) => isScalar(other) === isScalar(capture)).length;
  if (types.includes(type as string)) {
    return { kind: 'scalar', index, capture: index, name, type: type as ScalarSlot['type'] };
  }
  const isTable = dtypes.includes(dtype as string) && [0, 1, 2, 3, 4].includes(rank as number);
  if (!isTable) return undefined;
  const table = { kind: 'table', index, capture: index, name, rank: rank as number } as const;
  return { ...table, dtype: dtype as TableSlot['dtype'] };
}

/** Returns a function that is called like the mod, captures included, and computes the results of the GPU. */
function runnable({ of, root, slots }: GraphUnit): Function {
  const run = twin([root]);
  const names = [...(of === 'score' ? ['score'] : []), 'b', 'h', 'q', 'kv'];
  return (...args: unknown[]) => {
    const [captures = {}, info] = args.slice(names.length) as [Record<string, never>?, object?];
    const given = Object.fromEntries(names.map((name, i) => [name, args[i] as number]));
    const valuesOf = (kind: Slot['kind']): never[] => {
      const values: never[] = [];
      for (const slot of slots) if (slot.kind === kind) values[slot.index] = captures[slot.name]!;
      return values;
    };
    const values = { scalars: valuesOf('scalar'), tables: valuesOf('table') };
    const [value] = run({ inputs: { ...given, ...info }, ...values });
    return typeof value === 'number' ? asScore(value) : value;
  };
}

/** The parts of a function that heed has composed. The compiler reads them instead of the function's source. */
export type Composition =
  | { readonly kind: 'bind'; readonly mod: Function; readonly captures: Captures }
  | { readonly kind: 'and' | 'or' | 'not'; readonly parts: readonly Function[] }
  | GraphUnit;

// A registered symbol: it is the same in duplicate installs of this package.
const composition: unique symbol = Symbol.for('heed.flex.composition') as never;

export function compositionOf(fn: Function): Composition | undefined {
  return (fn as { readonly [composition]?: Composition })[composition];
}

export function compose<F>(fn: F, parts: Composition): F {
  return Object.assign(fn as object, { [composition]: parts }) as F;
}
