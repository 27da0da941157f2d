/** The public declarations of `@heed/kvcache/names`, by tools/api.mjs. */
// #region Interfaces
export interface PrefixNamesOptions {
  readonly pageSize: number;
  readonly salt?: string;
  readonly hash?: Sha256;
}
// #endregion

// #region Types
export type PageName = string;
export type Sha256 = (bytes: Uint8Array) => Uint8Array;
export type TokenIds = ArrayLike<number> | BigInt64Array | BigUint64Array;
// #endregion

// #region Functions
export declare function prefixNames(tokens: TokenIds, options: PrefixNamesOptions): PageName[];
// #endregion
