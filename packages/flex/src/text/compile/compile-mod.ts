import { ValidationError } from '@heed/core';
import { copyOf, type NamesOf, readOptions } from '@heed/core/kernel';
import { type NestedArray, twin } from '../backends/twin.ts';
import { asScore } from '../ir/evaluate-operation.ts';
import type { Input, Node } from '../ir/expression-node.ts';
import {
  type CompiledMod,
  compileResolved,
  toDerivative,
  toMaskHook,
  toScoreHook,
} from './compiled-mod.ts';
import { explainMod } from './explain.ts';
import { isFixedNumber } from './fixed-number.ts';
import type { AnyMod, MaskMod, ScoreMod, SeqInfo, Table } from './mod-types.ts';
import { functionOf, precompiled, type PrecompiledMod } from './precompiled.ts';
import { isTableLike, type Resolution, resolve } from './resolve.ts';

/** Captures as the twin of a mod takes them: each may be left out, and a table is a nested array, or a number of rank 0. */
export type TwinCaptures<C> = [C] extends [never]
  ? Readonly<Record<string, unknown>>
  : { readonly [K in keyof C]?: NonNullable<C[K]> extends Table ? NestedArray | number : C[K] };

/** A mod on the CPU, with the types of the mod. Captures given here take precedence over those it was compiled with. */
export type ModTwin<M extends AnyMod> =
  M extends MaskMod<never>
    ? (
        b: number,
        h: number,
        q: number,
        kv: number,
        c?: TwinCaptures<Parameters<M> extends { readonly 4: infer C } ? C : never>,
        info?: Partial<SeqInfo>,
      ) => boolean
    : (
        score: number,
        b: number,
        h: number,
        q: number,
        kv: number,
        c?: TwinCaptures<Parameters<M> extends { readonly 5: infer C } ? C : never>,
        info?: Partial<SeqInfo>,
      ) => number;

/** A mod on the CPU whose types are not known. Captures given here take precedence over those it was compiled with. */
export type JsMod = (...args: readonly unknown[]) => number | boolean;

/** The derivatives of a score mod. */
export interface ModDerivative {
  /** The derivative with respect to the score, as a typed expression graph. */
  readonly score: unknown;
  /** The derivatives with respect to the elements read, one for each read of a float table. */
  readonly tables: readonly unknown[];
  /** Called like the mod: computes all of them on the CPU. */
  readonly js: (...args: readonly unknown[]) => { score: number; tables: number[] };
}

/** A mod compiled by `compileMod`. */
export interface CompiledFunction<M = unknown> {
  readonly kind: 'score' | 'mask';
  /** WGSL declarations: `score_mod` (and `diagonal_mod`, if a part depends on q − kv only) or `visible_mod` and `class_mod`, and what they call. */
  readonly wgsl: string;
  /** The mod with the semantics of the GPU: f32 arithmetic, wrapping integers, clamped indices. */
  readonly js: M extends AnyMod ? ModTwin<M> : JsMod;
  /** The result as a typed expression graph, whose form may change; `explain()` prints it. */
  readonly ir: unknown;
  /** Equal for functions that compute the same, however they are written; a part of plan keys. */
  readonly hash: string;
  /** Of score mods. */
  readonly derivative?: ModDerivative;
  /** Describes the mod for people: the captures with their types, how the gradient of each is summed and why, or whether a mask prunes, the graph, the WGSL. */
  explain(): string;
  /** Returns what JSON.stringify writes. Once parsed, it can be passed in place of the mod. */
  toJSON(): PrecompiledMod;
}

/** Options of `compileMod`. */
export interface CompileOptions {
  /** Whether the function is a score mod or a mask. Default: a function that returns a boolean is a mask. */
  readonly kind?: 'score' | 'mask';
}

export const compileNames: NamesOf<CompileOptions> = { kind: 1 };

/**
 * Compiles a score mod or mask without a GPU: to read the WGSL, to test the function, or to run it on the CPU with the results
 * of the GPU.
 *
 * @param fn an ordinary function, see the README for what it may contain; or what `JSON.stringify(compileMod(…))` wrote
 * @param captures the values it reads; a tensor may be given as `{ dtype, shape }`, or as a nested array (f32)
 * @throws CompileError a construct that is not supported, with its place in the source and the remedy
 * @throws ValidationError a capture that is not a number, boolean, tensor of rank ≤ 4 or function
 * @example
 * const { js, wgsl, explain } = compileMod((score, b, h, q, kv) => score + (q - kv));
 * js(0.5, 0, 0, 7, 3); // 4.5
 */
export function compileMod<M extends ScoreMod<never>>(
  fn: M,
  captures?: Readonly<Record<string, unknown>>,
  options?: CompileOptions,
): CompiledFunction<M>;
/** Compiles a mask. */
export function compileMod<M extends MaskMod<never>>(
  fn: M,
  captures?: Readonly<Record<string, unknown>>,
  options?: CompileOptions,
): CompiledFunction<M>;
/** Compiles a function whose types are not known, or a precompiled mod; `M` says what mod it is. */
export function compileMod<M = unknown>(
  fn: Function | PrecompiledMod,
  captures?: Readonly<Record<string, unknown>>,
  options?: CompileOptions,
): CompiledFunction<M>;
export function compileMod(
  fn: Function | PrecompiledMod,
  captures: Readonly<Record<string, unknown>> = {},
  options?: CompileOptions,
): CompiledFunction {
  const { kind } = readOptions('compileMod', options, compileNames);
  const given = functionOf('compileMod', fn);
  const resolution = resolve('compileMod', given, copyOf({ ...captures }));
  const mod = compileResolved('compileMod', resolution, kind);
  const hook = mod.kind === 'score' ? toScoreHook(mod, 'mod') : toMaskHook(mod, 'mod');
  const compiled: CompiledFunction = {
    kind: mod.kind,
    wgsl: hook.wgsl,
    js: jsMod(mod, resolution),
    ir: mod.root,
    hash: mod.hash,
    explain: () => explainMod(mod, hook, resolution),
    toJSON: () => precompiled(mod.kind, mod.hash, mod.root, [...mod.scalars, ...mod.tables]),
  };
  if (mod.kind === 'mask') return compiled;
  let derivative: ModDerivative | undefined;
  return Object.defineProperty(compiled, 'derivative', {
    // Computed on first use: it may be far longer than the mod.
    get: () => (derivative ??= derivativeOf(mod, resolution)),
    enumerable: true,
  });
}

function derivativeOf(mod: CompiledMod, resolution: ReturnType<typeof resolve>): ModDerivative {
  const derivative = toDerivative(mod);
  const roots = [derivative.score, ...derivative.tables.map(({ value }) => value)];
  const run = pairFunction(mod, resolution, roots);
  return {
    ...derivative,
    js: (...args) => {
      const [score, ...tables] = run(args) as [number, ...number[]];
      return { score, tables };
    },
  };
}

type Named = Readonly<Record<string, unknown>>;

const indices = ['b', 'h', 'q', 'kv'] as const;

/**
 * Returns the JavaScript twin of a mod, called like the mod. A masked score is −Infinity, and so is NaN; no score exceeds the
 * largest score.
 */
export function jsMod(mod: CompiledMod, resolution: Resolution): JsMod {
  const run = pairFunction(mod, resolution, [mod.root]);
  return (...args) => {
    const [value] = run(args);
    return typeof value === 'number' ? asScore(value) : value!;
  };
}

/** Returns a function of the mod's arguments that computes these nodes. */
function pairFunction(
  mod: CompiledMod,
  resolution: Resolution,
  roots: readonly Node[],
): (args: readonly unknown[]) => (number | boolean)[] {
  const run = twin(roots);
  const names: readonly Input[] = mod.kind === 'score' ? ['score', ...indices] : indices;
  return (args) => {
    const [captures, info] = args.slice(names.length) as [Named?, Partial<SeqInfo>?];
    const given = Object.fromEntries(names.map((name, i) => [name, args[i] as number]));
    return run({
      inputs: { ...given, ...info },
      ...capturedValues(mod, resolution, captures ?? {}),
    });
  };
}

function capturedValues(
  { scalars, tables }: CompiledMod,
  resolution: Resolution,
  captures: Named,
): { scalars: (number | boolean)[]; tables: (NestedArray | number)[] } {
  return {
    scalars: scalars.map(({ name, capture }) => {
      const value = captures[name] ?? resolution.scalars[capture]!;
      return isFixedNumber(value) ? Number(value) : (value as number | boolean);
    }),
    tables: tables.map(({ name, capture }) => {
      const value = captures[name] ?? resolution.tables[capture]!;
      if (typeof value === 'object' && isTableLike(value)) throw tableOnCpu(name);
      return value as NestedArray | number;
    }),
  };
}

function tableOnCpu(name: string): ValidationError {
  return new ValidationError(
    `compileMod: on the CPU a captured tensor is a nested array; got a tensor for ${name}. Pass it to js() in captures: { ${name}: [...] }.`,
  );
}
