import { type Place, ProgramError } from './place.ts';
import { type Table, tableFromFormula } from './table.ts';

/** More would make the page wait: every element is a call of the CPU twin. */
const MOST_ELEMENTS = 65_536;

/**
 * The table of `table(shape, formula)`, standing at `place`.
 * @throws ProgramError the arguments are of another kind, or the table is too large
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
