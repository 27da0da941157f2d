import { CompileError, type DType, ValidationError } from '@heed/core';
import type { Capture, CaptureMap, Unit } from '../frontend/mod-source.ts';
import { isFixedNumber, numberType } from './fixed-number.ts';
import { type Composition, compositionOf, functionOf, isPrecompiled } from './precompiled.ts';

/** The properties of a captured tensor that the compiler uses. Any object with both of them will do. */
export interface TableLike {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A nested array of numbers: a table on the CPU. Its elements count as f32. */
interface NestedArray {
  readonly length: number;
  readonly [i: number]: number | NestedArray;
}

/** A mod and its captures, with the values separated from everything that the compiled code depends on. */
export interface Resolution {
  readonly unit: Unit;
  readonly captures: CaptureMap;
  /** Values by slot index. A tensor that is captured several times has one slot. */
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly (TableLike | NestedArray)[];
  /** The scalars by name, with their types. Later calls of a plan must use the same types. */
  readonly kinds: readonly ScalarKind[];
  /** Equal signatures compile to equal code. A signature has the sources and the names and types of captures, but no values. */
  readonly signature: string;
}

interface ScalarKind {
  readonly name: string;
  readonly type: 'i32' | 'f32' | 'bool';
}

interface Resolving {
  readonly caller: string;
  readonly scalars: (number | boolean)[];
  readonly tables: (TableLike | NestedArray)[];
  readonly kinds: ScalarKind[];
  readonly like: readonly ScalarKind[];
  readonly signature: string[];
  depth: number;
  /** The functions resolved so far, numbered. No function is among its own captures, since `bind` copies them. */
  readonly units: Map<Function, { readonly index: number; readonly unit: Unit }>;
}

const MAX_RANK = 4;

/** The deepest nesting of `bind`, `andMasks`, `orMasks` and `notMask`. */
const MAX_COMPOSED = 300;

/**
 * Resolves a mod and its captures without parsing the source: cheap enough for every call.
 * @param like the resolution that a plan was made for: captured numbers keep the types that they had there
 * @throws ValidationError a capture is not a number, boolean, tensor of rank ≤ 4 or function
 */
export function resolve(
  caller: string,
  mod: Function,
  captures: Readonly<Record<string, unknown>> = {},
  like?: Resolution,
): Resolution {
  const state: Resolving = {
    caller,
    scalars: [],
    tables: [],
    kinds: [],
    like: like?.kinds ?? [],
    signature: [],
    depth: 0,
    units: new Map(),
  };
  const unit = resolveUnit(state, mod);
  const map = resolveCaptures(state, captures);
  const { scalars, tables, kinds, signature } = state;
  return { unit, captures: map, scalars, tables, kinds, signature: signature.join('\0') };
}

function resolveUnit(state: Resolving, fn: Function): Unit {
  const { units, signature } = state;
  const known = units.get(fn);
  if (known) {
    signature.push(`as ${known.index}`);
    return known.unit;
  }
  const composed = compositionOf(fn);
  const unit = composed ? nested(state, composed) : functionUnit(state, fn);
  units.set(fn, { index: units.size, unit });
  return unit;
}

function functionUnit({ signature }: Resolving, fn: Function): Unit {
  const text = Function.prototype.toString.call(fn);
  signature.push(`function ${text.length}`, text);
  return { kind: 'function', name: fn.name, text };
}

function nested(state: Resolving, composed: Composition): Unit {
  if (++state.depth > MAX_COMPOSED) {
    throw new CompileError(
      `${state.caller}: compositions are at most ${MAX_COMPOSED} deep. Pass all masks to one andMasks() or orMasks(), and all captures to one bind().`,
    );
  }
  const unit = resolveComposition(state, composed);
  state.depth--;
  return unit;
}

function resolveComposition(state: Resolving, composed: Composition): Unit {
  state.signature.push(composed.kind);
  if (composed.kind === 'graph') {
    const names = composed.slots.map(({ name }) => `.${name}`);
    state.signature.push(composed.of, composed.hash, ...names, '}');
    return composed;
  }
  if (composed.kind === 'bind') {
    const mod = resolveUnit(state, composed.mod);
    return { kind: 'bind', mod, captures: resolveCaptures(state, composed.captures) };
  }
  const parts = composed.parts.map((part) => resolveUnit(state, part));
  state.signature.push(')');
  return { kind: composed.kind, parts };
}

function resolveCaptures(
  state: Resolving,
  captures: Readonly<Record<string, unknown>>,
): CaptureMap {
  const map = new Map<string, Capture>();
  for (const [name, value] of Object.entries(captures)) {
    if (value === undefined) continue;
    state.signature.push(`.${name}`);
    map.set(name, resolveCapture(state, name, value));
  }
  state.signature.push('}');
  return map;
}

function resolveCapture(state: Resolving, name: string, value: unknown): Capture {
  const { scalars, kinds, signature } = state;
  if (typeof value === 'function' || isPrecompiled(value)) {
    return { kind: 'function', unit: resolveUnit(state, functionOf(state.caller, value)) };
  }
  if (typeof value === 'boolean' || typeof value === 'number' || isFixedNumber(value)) {
    const type = typeof value === 'boolean' ? 'bool' : kindOf(state, name, value);
    signature.push(type);
    kinds.push({ name, type });
    const index = scalars.push(scalarValue(state, name, value.valueOf())) - 1;
    return { kind: 'scalar', index, capture: index, name, type };
  }
  return resolveTable(state, name, value);
}

/** Returns the type of a captured number: its own type, or the type for which the plan was made. */
function kindOf(
  { caller, like, kinds }: Resolving,
  name: string,
  value: Parameters<typeof numberType>[0],
): 'i32' | 'f32' {
  const own = numberType(value);
  const made = like[kinds.length];
  if (made === undefined || made.name !== name || made.type === 'bool' || made.type === own) {
    return own;
  }
  if (made.type === 'f32' && !isFixedNumber(value)) return 'f32';
  const [rule, fix] =
    made.type === 'i32'
      ? ['a whole number', 'Make the plan with f32() around it, which takes every number.']
      : ['no i32()', 'Leave i32() out.'];
  throw new ValidationError(
    `${caller}: captures.${name} must be ${rule}, since the plan was made for ${made.type}; got ${String(value.valueOf())}. ${fix}`,
  );
}

function scalarValue({ caller }: Resolving, name: string, value: unknown): number | boolean {
  if (!Number.isNaN(value)) return value as number | boolean;
  throw new ValidationError(
    `${caller}: captured numbers must not be NaN; got captures.${name} = NaN. Pass a number.`,
  );
}

function resolveTable(
  { caller, tables, signature }: Resolving,
  name: string,
  value: unknown,
): Capture {
  const { dtype, rank } = tableType(value) ?? {};
  if (dtype === undefined || rank === undefined) {
    throw new ValidationError(
      `${caller}: captures must be numbers, booleans, tensors or functions; got captures.${name} = ${typeof value}. Pass its parts one by one.`,
    );
  }
  if (rank > MAX_RANK) {
    throw new ValidationError(
      `${caller}: captured tensors have at most ${MAX_RANK} dimensions; got captures.${name} with ${rank}. Reshape it.`,
    );
  }
  const table = value as TableLike | NestedArray;
  const known = tables.indexOf(table);
  const index = known < 0 ? tables.push(table) - 1 : known;
  signature.push(`${dtype}[${rank}]#${index}`);
  return { kind: 'table', index, capture: index, name, dtype, rank };
}

function tableType(value: unknown): { dtype?: DType; rank: number } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isTableLike(value)) return { dtype: value.dtype, rank: value.shape.length };
  let rank = 0;
  let inner: unknown = value;
  // An array may contain itself, so the loop is bounded.
  for (; rank <= MAX_RANK && (Array.isArray(inner) || ArrayBuffer.isView(inner)); rank++) {
    inner = (inner as never)[0];
  }
  if (rank > MAX_RANK) return { dtype: 'f32', rank };
  return typeof inner === 'number' ? { dtype: 'f32', rank } : undefined;
}

export function isTableLike(value: object): value is TableLike {
  return 'dtype' in value && Array.isArray((value as Partial<TableLike>).shape);
}
