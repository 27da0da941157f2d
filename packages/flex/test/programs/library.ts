import type { DType } from '@heed/core';
import {
  catalogue,
  type ExampleCase,
  type ExampleTable,
  tableElements,
  type Tightness,
} from '../../src/catalogue.ts';
import type { Nested } from './reference.ts';
import { clamping } from './world.ts';

/** A captured tensor, row-major. */
export interface Table {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

type Scalar = number | boolean;
type Values = Readonly<Record<string, Scalar | Table>>;

/** A function of the library, and values of its captures to try it with. */
export interface LibraryCase {
  readonly name: string;
  readonly kind: 'score' | 'mask';
  readonly mod: Function;
  readonly values: Values;
  readonly tightness: Tightness | undefined;
}

export function table(
  dtype: DType,
  shape: readonly number[],
  element: (index: number) => number,
): Table {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype, shape, data: Array.from({ length: size }, (_, i) => element(i)) };
}

function tableOf(example: ExampleTable): Table {
  let i = 0;
  const wave = (): number => Math.fround(2 * Math.sin(1 + 3 * i++));
  const { dtype, shape } = example;
  return { dtype, shape, data: tableElements(example, wave) };
}

const valuesOf = (captures: ExampleCase['captures']): Values =>
  Object.fromEntries(
    Object.entries(captures).map(([name, value]) => [
      name,
      typeof value === 'object' ? tableOf(value) : value,
    ]),
  );

/** The cases of every entry of the catalogue. */
export const library: readonly LibraryCase[] = catalogue.flatMap(({ name, kind, mod, cases }) =>
  cases.map(({ captures, tightness }) => {
    const parts = Object.entries(captures).map(([key, value]) =>
      typeof value === 'object' ? `${key} [${value.shape.join(', ')}]` : `${key} ${value}`,
    );
    const values = valuesOf(captures);
    return { name: [name, ...parts].join(' '), kind, mod, values, tightness };
  }),
);

/** The captures as the CPU sees them: tables are nested arrays. */
export function nestedValues(values: Values): Record<string, Scalar | Nested> {
  return mapTables(values, ({ shape, data }) => nest(shape, data));
}

/** The captures as the mod itself must see them for indices out of range to mean what they mean on the GPU. */
export function clampingValues(values: Values): Record<string, Scalar | Nested> {
  return mapTables(values, ({ shape, data }) => clamping(nest(shape, data)));
}

function mapTables<T>(values: Values, map: (value: Table) => T): Record<string, Scalar | T> {
  return Object.fromEntries(
    Object.entries(values).map(([key, v]) => [key, typeof v === 'object' ? map(v) : v]),
  );
}

function nest([size, ...inner]: readonly number[], data: readonly number[]): Nested {
  if (inner.length === 0) return data;
  const stride = data.length / size!;
  return Array.from({ length: size! }, (_, i) =>
    nest(inner, data.slice(i * stride, (i + 1) * stride)),
  );
}
