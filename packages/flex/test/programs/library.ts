import type { DType } from '@heed/core';
import * as masks from '../../src/masks/index.ts';
import * as mods from '../../src/mods/index.ts';
import type { Nested } from './reference.ts';
import { clamping } from './world.ts';

/** A captured tensor, row-major. */
export interface Table {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

type Values = Readonly<Record<string, number | Table>>;

/** A function of the library, and values of its captures to try it with. */
export interface LibraryCase {
  readonly name: string;
  readonly kind: 'score' | 'mask';
  readonly mod: Function;
  readonly values: Values;
}

export function table(
  dtype: DType,
  shape: readonly number[],
  element: (index: number) => number,
): Table {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype, shape, data: Array.from({ length: size }, (_, i) => element(i)) };
}

const wave = (i: number): number => Math.fround(2 * Math.sin(1 + 3 * i));

/** For every node the bits of itself and its ancestors, in words; parents precede their children, the root's is −1. */
export function ancestorWords(parents: readonly number[]): Table {
  const words = Math.ceil(parents.length / 32);
  const rows: number[][] = [];
  for (const [node, parent] of parents.entries()) {
    const row = rows[parent]?.slice() ?? new Array<number>(words).fill(0);
    row[node >> 5]! |= 1 << (node & 31);
    rows.push(row);
  }
  return { dtype: 'i32', shape: [parents.length, words], data: rows.flat() };
}

const binaryTree = Array.from({ length: 70 }, (_, i) => Math.floor((i + 1) / 2) - 1);
const documents = table('i32', [96], (i) => Math.floor(Math.sqrt(i)));

const scoreMods: readonly (readonly [Function, Values])[] = [
  [mods.alibi, { slopes: table('f32', [4], (h) => 2 ** (-2 * (h + 1))) }],
  [mods.softcap, { cap: 5 }],
  [mods.softcap, { cap: 0.75 }],
  [mods.relativeBias, { bias: table('f32', [4, 17], wave), maxDistance: 8 }],
  [mods.relativeBias, { bias: table('f32', [4, 1], wave), maxDistance: 0 }],
  [mods.absoluteBias, { bias: table('f32', [2, 4, 6, 5], wave) }],
  [mods.absoluteBias, { bias: table('f32', [1, 4, 1, 5], wave) }],
  [mods.headGate, { gate: table('f32', [5], (h) => [0, 3, -2, 200, -200][h]!) }],
];

const maskMods: readonly (readonly [Function, Values])[] = [
  [masks.causal, {}],
  [masks.slidingWindow, { window: 20 }],
  [masks.slidingWindow, { window: 0 }],
  [masks.dilatedWindow, { window: 12, dilation: 3 }],
  [masks.dilatedWindow, { window: 40, dilation: 1 }],
  [masks.prefixLm, { prefix: table('i32', [2], (b) => 40 * b + 5) }],
  [masks.document, { id: documents }],
  [masks.globalPlusWindow, { globals: 10, window: 17 }],
  [masks.sharedPrefix, { prefix: 30, id: documents }],
  [masks.blockDiagonal, { blockSize: 24 }],
  [masks.blockDiagonal, { blockSize: 5 }],
  [masks.tree, { ancestors: ancestorWords(binaryTree), prefix: 26 }],
  [masks.tree, { ancestors: ancestorWords(binaryTree) }],
  [masks.natten2d, { height: 12, width: 8, kernel: 5 }],
  [masks.natten2d, { height: 2, width: 48, kernel: 24 }],
];

const caseOf =
  (kind: 'score' | 'mask') =>
  ([mod, values]: readonly [Function, Values]): LibraryCase => {
    const parts = Object.entries(values).map(([name, value]) =>
      typeof value === 'number' ? `${name} ${value}` : `${name} [${value.shape.join(', ')}]`,
    );
    return { name: [mod.name, ...parts].join(' '), kind, mod, values };
  };

/** Everything that the library exports, at least once. */
export const library: readonly LibraryCase[] = [
  ...scoreMods.map(caseOf('score')),
  ...maskMods.map(caseOf('mask')),
];

/** The captures as the CPU sees them: tables are nested arrays. */
export function nestedValues(values: Values): Record<string, number | Nested> {
  return mapTables(values, ({ shape, data }) => nest(shape, data));
}

/** The captures as the mod itself must see them for indices out of range to mean what they mean on the GPU. */
export function clampingValues(values: Values): Record<string, number | Nested> {
  return mapTables(values, ({ shape, data }) => clamping(nest(shape, data)));
}

function mapTables<T>(values: Values, map: (value: Table) => T): Record<string, number | T> {
  return Object.fromEntries(
    Object.entries(values).map(([key, v]) => [key, typeof v === 'number' ? v : map(v)]),
  );
}

function nest([size, ...inner]: readonly number[], data: readonly number[]): Nested {
  if (inner.length === 0) return data;
  const stride = data.length / size!;
  return Array.from({ length: size! }, (_, i) =>
    nest(inner, data.slice(i * stride, (i + 1) * stride)),
  );
}
