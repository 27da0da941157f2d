import type { PagedKvView } from '@heed/core';

/** How rows are stored: as they are, or as an f32 scale and packed two's complement integers. */
export type PageFormat = PagedKvView['format'];

/** What all pages of a cache have in common. */
export interface PageGeometry {
  readonly layers: number;
  readonly kvHeads: number;
  /** Dqk. */
  readonly headDim: number;
  /** Dv. */
  readonly headDimV: number;
  /** Tokens in a page. */
  readonly pageSize: number;
  readonly format: PageFormat;
}

/** Type of a pool's elements: quantised rows are words. */
export const poolDType = (format: PageFormat): 'f32' | 'f16' | 'u32' =>
  format === 'int8' || format === 'int4' ? 'u32' : format;

const valuesPerWord = { int8: 4, int4: 8 } as const;

/** Elements of {@link poolDType} that the row of one token and head takes: `dim` numbers, or a scale and packed words. */
export const rowElements = (format: PageFormat, dim: number): number =>
  format === 'int8' || format === 'int4' ? 1 + Math.ceil(dim / valuesPerWord[format]) : dim;
