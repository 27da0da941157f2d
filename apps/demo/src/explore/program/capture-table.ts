import { compileMod } from '@heed/flex';
import { type Place, ProgramError } from './declarations.ts';

/** A table on the CPU: i32 if all elements are integers, else f32, like heed's captured numbers. */
export interface Table {
  readonly dtype: 'i32' | 'f32';
  readonly shape: readonly number[];
  readonly data: Int32Array | Float32Array;
}

export type Nested = number | readonly Nested[];

/** Returns a table of the given elements, in row-major order. */
function tableOf(shape: readonly number[], elements: ArrayLike<number>): Table {
  const values = Array.from(elements);
  const isWhole = values.every((x) => Number.isInteger(x) && Math.abs(x) < 2 ** 31);
  return isWhole
    ? { dtype: 'i32', shape, data: Int32Array.from(values) }
    : { dtype: 'f32', shape, data: Float32Array.from(values) };
}

/**
 * Returns the table of a nested array literal.
 * @throws RangeError if its rows differ in length, or it has more than four dimensions
 */
export function tableFromNested(nested: Nested): Table {
  const shape: number[] = [];
  for (let level = nested; typeof level !== 'number'; level = level[0] ?? 0)
    shape.push(level.length);
  const elements = elementsOf(nested);
  const isRectangular = (part: Nested, axis: number): boolean =>
    typeof part === 'number'
      ? axis === shape.length
      : part.length === shape[axis] && part.every((inner) => isRectangular(inner, axis + 1));
  if (shape.length > 4 || !isRectangular(nested, 0)) {
    throw new RangeError('the rows of a table must be equally long, in at most 4 dimensions');
  }
  return tableOf(shape, elements);
}

const elementsOf = (nested: Nested): number[] =>
  typeof nested === 'number' ? [nested] : nested.flatMap(elementsOf);

/**
 * Returns the table of a formula in its indices. heed compiles the formula, and its CPU twin computes the elements: like every
 * function of the text, it is never called as JavaScript.
 */
function tableFromFormula(shape: readonly number[], formula: Function): Table {
  const key = `${shape.join()} ${Function.prototype.toString.call(formula)}`;
  const table = remembered.get(key) ?? computed(shape, formula);
  remembered.delete(key);
  remembered.set(key, table);
  if (remembered.size > 16) remembered.delete(remembered.keys().next().value!);
  return table;
}

// Cached, so that a keystroke elsewhere in the text does not compute every table again.
const remembered = new Map<string, Table>();

function computed(shape: readonly number[], formula: Function): Table {
  const { js } = compileMod(
    (_: number, i: number, j: number, k: number, l: number, c: { formula: Function }) =>
      c.formula(i, j, k, l) as number,
    { formula },
    { kind: 'score' },
  );
  const count = shape.reduce((a, b) => a * b, 1);
  const elements = Array.from({ length: count }, (_, at) => {
    const indices: [number, number, number, number] = [0, 0, 0, 0];
    let rest = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      indices[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return js(0, ...indices);
  });
  return tableOf(shape, elements);
}

/** Returns a table as the nested array that the CPU twin takes. */
export function nestedOf({ shape, data }: Table): Nested {
  const build = (axis: number, offset: number, size: number): Nested => {
    if (axis === shape.length) return data[offset]!;
    const inner = size / shape[axis]!;
    return Array.from({ length: shape[axis]! }, (_, i) =>
      build(axis + 1, offset + i * inner, inner),
    );
  };
  return build(0, 0, data.length);
}

/** Each element costs one call of the CPU twin; more would block the page noticeably. */
const MOST_ELEMENTS = 65_536;

/**
 * Returns the table of a call `table(shape, formula)` at `place`.
 * @throws ProgramError if the arguments have other types, or the table is too large
 */
export function tableOfCall(shape: unknown, formula: unknown, place: Place): Table {
  if (!isShape(shape) || typeof formula !== 'function') {
    throw new ProgramError(
      'table wants a shape of 1 to 4 whole numbers and a formula: table([4, 64], (h, i) => 0.1 * i).',
      place,
    );
  }
  const count = shape.reduce((a, b) => a * b, 1);
  if (count > MOST_ELEMENTS) {
    throw new ProgramError(
      `A table here has at most ${MOST_ELEMENTS} elements; this has ${count}.`,
      place,
    );
  }
  return tableFromFormula(shape, formula);
}

const isShape = (shape: unknown): shape is number[] =>
  Array.isArray(shape) &&
  shape.length > 0 &&
  shape.length <= 4 &&
  shape.every((n) => Number.isInteger(n) && n > 0);
