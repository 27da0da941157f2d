import { ValidationError } from '@heed/core';
import { copyOf, type NamesOf, readOptions } from '@heed/core/kernel';
import type { Derivative } from '../backends/derivative.ts';
import { type NestedArray, twin } from '../backends/twin.ts';
import type { ModKind } from '../frontend/mod-source.ts';
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
import type { SeqInfo } from './mod-types.ts';
import { functionOf, precompiled, type PrecompiledMod } from './precompiled.ts';
import { isTableLike, type Resolution, resolve } from './resolve.ts';

/** The derivatives of a score mod, and a function that computes them on the CPU. */
export interface ModDerivative extends Derivative {
  /** Called like the mod: the derivative by the score, then those by each element read. */
  readonly js: (...args: readonly unknown[]) => { score: number; tables: number[] };
}

/** What `compileMod` makes of a mod. */
export interface CompiledFunction {
  readonly kind: ModKind;
  /** WGSL declarations: `score_mod` (and `diagonal_mod`, if a part of it goes by q − kv) or `visible_mod` and `class_mod`, and what they call. */
  readonly wgsl: string;
  /** The mod as the GPU means it: f32 arithmetic, wrapping integers, clamped indices. */
  readonly js: JsMod;
  /** The result as a typed expression graph. */
  readonly ir: Node;
  /** Equal for functions that compute the same, however they are written; a part of plan keys. */
  readonly hash: string;
  /** Of score mods. */
  readonly derivative?: ModDerivative;
  /** For people: the captures with their types, how the gradient by each is summed and why, or whether a mask prunes, the graph, the WGSL. */
  explain(): string;
  /** What JSON.stringify writes: it can be passed, once parsed, in place of the mod. */
  toJSON(): PrecompiledMod;
}

/** How `compileMod` is to take a function. */
export interface CompileOptions {
  /** Whether the function is a score mod or a mask. Default: by what it returns. */
  readonly kind?: ModKind;
}

export const compileNames: NamesOf<CompileOptions> = { kind: 1 };

/**
 * Compiles a score mod or mask, without a GPU: to look at what becomes of it, to test it, or to run it on the CPU as the
 * GPU would.
 *
 * @param fn an ordinary function, see the README for what it may contain; or what `JSON.stringify(compileMod(…))` gave
 * @param captures the values it reads; a tensor may be given as `{ dtype, shape }`, or as a nested array (f32)
 * @throws CompileError a construct that is not supported, with its place in the source and the remedy
 * @throws ValidationError a capture that is no number, boolean, tensor of rank ≤ 4 or function
 * @example
 * const { js, wgsl, explain } = compileMod((score, b, h, q, kv) => score + (q - kv));
 * js(0.5, 0, 0, 7, 3); // 4.5
 */
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
    // Not before it is asked for: it may be far longer than the mod.
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

/** The mod on the CPU. Captures given here go before those that it was compiled with, by name; tables are nested arrays. */
export type JsMod = (...args: readonly unknown[]) => number | boolean;

type Named = Readonly<Record<string, unknown>>;

const indices = ['b', 'h', 'q', 'kv'] as const;

/**
 * The JavaScript twin, called like the mod it was made from. A masked score comes out as −Infinity, and so does NaN; no
 * score is above the largest that there is.
 */
export function jsMod(mod: CompiledMod, resolution: Resolution): JsMod {
  const run = pairFunction(mod, resolution, [mod.root]);
  return (...args) => {
    const [value] = run(args);
    return typeof value === 'number' ? asScore(value) : value!;
  };
}

/** Nodes of a mod as a function of the mod's arguments. */
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
