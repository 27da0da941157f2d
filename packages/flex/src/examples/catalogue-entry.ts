import type { Tensor } from '@heed/core';
import type { MaskMod, ScoreMod } from '../text/compile/mod-types.ts';

/** A captured tensor of an example. */
export interface ExampleTable {
  readonly dtype: 'f32' | 'i32';
  readonly shape: readonly number[];
  /** An element by its indices. Without it the elements are standard normal, from a generator of the reader's. */
  readonly element?: (...indices: number[]) => number;
}

/** Captures of an example, by name. */
export type ExampleCaptures = Readonly<
  Record<string, number | boolean | readonly number[] | ExampleTable>
>;

/** How many of the blocks that a mask shows as a whole or hides as a whole its interval bounds recognise. */
export interface Tightness {
  /** The least share of the full blocks; absent where the example has none. */
  readonly full?: number;
  /** The least share of the empty blocks. */
  readonly empty: number;
  /** Whether the range of visible keys is known, which bounds the loop over key tiles. */
  readonly hasRange: boolean;
  /** The least share of both where lengths and tables are cut anywhere, not at multiples of a block; default 1. */
  readonly ragged?: number;
}

/** Captures to try a mod or mask with. */
export interface ExampleCase {
  readonly captures: Readonly<Record<string, number | boolean | ExampleTable>>;
  /** Of masks: how tight their bounds are for these captures. */
  readonly tightness?: Tightness;
}

/** A small mask as its docstring draws it. */
export interface ExamplePicture {
  /** Queries and keys. */
  readonly length: number;
  readonly captures: Readonly<Record<string, number | readonly number[] | readonly number[][]>>;
  /** The queries drawn; default all. */
  readonly rows?: readonly number[];
}

/** A mod or mask of this package, with what a table, a test or a gallery needs to know of it. */
export interface CatalogueEntry {
  readonly name: string;
  readonly kind: 'score' | 'mask';
  readonly mod: ScoreMod<never> | MaskMod<never>;
  /** What a score mod does to the score, or what a query sees under a mask: in Markdown. */
  readonly about: string;
  /** The captures with their shapes, in Markdown. */
  readonly captures: string;
  /** Where it was described first, or what it is taken from. */
  readonly source: string;
  /** Of masks. */
  readonly picture?: ExamplePicture;
  /** Captures that show something on a page of 64 tokens. Galleries show this text as it is written here. */
  readonly page: ExampleCaptures;
  readonly cases: readonly ExampleCase[];
}

type Scalar<T> = T extends boolean ? boolean : number;

type Values<C> = {
  readonly [K in keyof C]: Required<C>[K] extends Tensor ? ExampleTable : Scalar<Required<C>[K]>;
};

type PageValues<C> = {
  readonly [K in keyof C]: Required<C>[K] extends Tensor
    ? ExampleTable | readonly number[]
    : Scalar<Required<C>[K]>;
};

interface ScoreEntry<C> extends Pick<CatalogueEntry, 'about' | 'captures' | 'source'> {
  readonly page: PageValues<C>;
  readonly cases: readonly Values<C>[];
}

interface MaskEntry<C> extends Pick<CatalogueEntry, 'about' | 'captures' | 'source'> {
  readonly picture: ExamplePicture;
  readonly page: PageValues<C>;
  readonly cases: readonly (readonly [captures: Values<C>, tightness: Tightness])[];
}

/** An entry by the name of its export. */
export type Unnamed = Omit<CatalogueEntry, 'name'>;

export const score = <C>(mod: ScoreMod<C>, { cases, ...entry }: ScoreEntry<C>): Unnamed => ({
  ...entry,
  kind: 'score',
  mod,
  cases: cases.map((captures) => ({ captures })),
});

export const mask = <C>(mod: MaskMod<C>, { cases, ...entry }: MaskEntry<C>): Unnamed => ({
  ...entry,
  kind: 'mask',
  mod,
  cases: cases.map(([captures, tightness]) => ({ captures, tightness })),
});

/** A table of some shape; see {@link ExampleTable}. */
export function table(
  shape: readonly number[],
  element?: (...indices: number[]) => number,
  dtype: ExampleTable['dtype'] = 'f32',
): ExampleTable {
  return { dtype, shape, ...(element && { element }) };
}

/**
 * The elements of an example's table, row-major.
 * @param normal gives the elements of a table without a formula: standard normal numbers
 */
export function tableElements(
  { shape, element }: ExampleTable,
  normal: () => number,
): readonly number[] {
  const count = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, at) => {
    if (!element) return normal();
    let rest = at;
    const indices = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      indices[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return element(...indices);
  });
}
