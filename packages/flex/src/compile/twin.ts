import { ValidationError } from '@heed/core';
import type { NestedArray } from '../backends/js/table.ts';
import { twin } from '../backends/js/twin.ts';
import { asScore } from '../ir/infinity.ts';
import type { Input, Node } from '../ir/node.ts';
import type { CompiledMod } from './compiled.ts';
import { isFixedNumber } from './fixed-number.ts';
import { isTableLike, type Resolution } from './resolve.ts';
import type { SeqInfo } from './types.ts';

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
export function pairFunction(
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
