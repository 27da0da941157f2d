import type { PagedKvView } from '@heed/core';
import { bytesPerElement } from '@heed/core/kernel';

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

/** Whether rows are a scale and packed integers. */
export const isQuantised = (format: PageFormat): format is 'int8' | 'int4' =>
  format === 'int8' || format === 'int4';

/** Type of a pool's elements: quantised rows are words. */
export const poolDType = (format: PageFormat): 'f32' | 'f16' | 'u32' =>
  isQuantised(format) ? 'u32' : format;

const valuesPerWord = { int8: 4, int4: 8 } as const;

/** Elements of {@link poolDType} that the row of one token and head takes: `dim` numbers, or a scale and packed words. */
export const rowElements = (format: PageFormat, dim: number): number =>
  isQuantised(format) ? 1 + Math.ceil(dim / valuesPerWord[format]) : dim;

/** 32-bit words of a row, of a page, …: one number for k and one for v. */
interface KvWords {
  readonly k: number;
  readonly v: number;
}

/** Words of the row of one token and head. Rows start on whole words on every device: an f16 row of odd length ends with half a word unused. */
export function rowWords({ format, headDim, headDimV }: PageGeometry): KvWords {
  const bytes = bytesPerElement[poolDType(format)];
  const words = (dim: number): number => Math.ceil((rowElements(format, dim) * bytes) / 4);
  return { k: words(headDim), v: words(headDimV) };
}

/** Words of a page in the pools of one layer. */
export function pageWords(geometry: PageGeometry): KvWords {
  const rows = geometry.pageSize * geometry.kvHeads;
  const { k, v } = rowWords(geometry);
  return { k: rows * k, v: rows * v };
}

/** Bytes of a page: of its keys and values in all layers. */
export function pageBytes(geometry: PageGeometry): number {
  const { k, v } = pageWords(geometry);
  return geometry.layers * (k + v) * 4;
}

const pattern = /^l(\d+)-h(\d+)-k(\d+)-v(\d+)-p(\d+)-(f32|f16|int8|int4)$/;

/** A geometry as keys and messages have it: layers, kv heads, head dims of k and v, page size, format: `l2-h8-k64-v64-p16-f16`. */
export const geometryText = (g: PageGeometry): string =>
  `l${g.layers}-h${g.kvHeads}-k${g.headDim}-v${g.headDimV}-p${g.pageSize}-${g.format}`;

/** The inverse of {@link geometryText}; undefined for any other text. */
export function parseGeometry(text: string): PageGeometry | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [layers, kvHeads, headDim, headDimV, pageSize] = match.slice(1, 6).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const format = match[6] as PageFormat;
  const geometry = { layers, kvHeads, headDim, headDimV, pageSize, format };
  return geometryText(geometry) === text ? geometry : undefined; // no leading zeros, nothing rounded
}
