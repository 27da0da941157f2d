/** The public declarations of `@heed/flex/catalogue`, by tools/api.mjs. */
// #region Interfaces
export interface CatalogueEntry {
  readonly name: string;
  readonly kind: "score" | "mask";
  readonly mod: ScoreMod<never> | MaskMod<never>;
  readonly about: string;
  readonly captures: string;
  readonly source: string;
  readonly picture?: ExamplePicture;
  readonly page: ExampleCaptures;
  readonly cases: readonly ExampleCase[];
}
export interface ExampleCase {
  readonly captures: Readonly<Record<string, number | boolean | ExampleTable>>;
  readonly tightness?: Tightness;
}
export interface ExamplePicture {
  readonly length: number;
  readonly captures: Readonly<Record<string, number | readonly number[] | readonly number[][]>>;
  readonly rows?: readonly number[];
}
export interface ExampleTable {
  readonly dtype: "f32" | "i32";
  readonly shape: readonly number[];
  readonly element?: (...indices: number[]) => number;
}
export interface Tightness {
  readonly full?: number;
  readonly empty: number;
  readonly hasRange: boolean;
  readonly ragged?: number;
}
// #endregion

// #region Types
export type ExampleCaptures = Readonly<Record<string, number | boolean | readonly number[] | ExampleTable>>;
// #endregion

// #region Functions
export declare function tableElements({ shape, element }: ExampleTable, normal: () => number): readonly number[];
// #endregion

// #region Variables
export declare const catalogue: readonly CatalogueEntry[];
// #endregion

// #region Referenced (internal)
type Captured<C> = { [K in keyof C]: C[K] extends Tensor ? Table : C[K]; };
type MaskMod<C = {}> = (b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => boolean;
type ScoreMod<C = {}> = (score: number, b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => number;
interface SeqInfo {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}
type Table = number & {
  readonly [i: number]: Table;
};
// #endregion
