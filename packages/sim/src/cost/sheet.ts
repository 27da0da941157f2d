import type { Constant, Origin } from './constants.ts';

/** A line of a sheet: a number that somebody can check, and where it comes from. */
export interface SheetLine extends Constant {
  readonly name: string;
}

/** Collects a sheet's lines: given numbers first, then what follows from them. */
export class Sheet {
  readonly #lines = new Map<string, SheetLine>();

  get lines(): readonly SheetLine[] {
    return [...this.#lines.values()];
  }

  /** Adds a number that is not computed here. */
  given(name: string, value: number, unit: string, origin: Origin, source: string): number {
    this.#lines.set(name, { name, value, unit, origin, source });
    return value;
  }

  /** Adds a number that follows from those before it; `formula` says how, in words that name them. */
  follows(name: string, value: number, unit: string, formula: string): number {
    return this.given(name, value, unit, 'computed', formula);
  }
}
