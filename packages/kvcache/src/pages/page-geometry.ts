import type { PageFormat } from '@heed/core';
import { pageFormats, rowWords } from '@heed/core/kernel';
import { toHex } from './page-name.ts';
import { sha256 } from './sha256.ts';

/** Properties that all pages of a group of layers share. */
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
  /** Of values; default `format`. */
  readonly formatV?: PageFormat;
  /** Values are the first columns of the keys, and only keys are stored. */
  readonly sharedKv?: true;
}

/** 32-bit words of a row, of a page, …: one number for k and one for v. */
export interface KvWords {
  readonly k: number;
  readonly v: number;
}

/** The format of the rows of keys or of values. */
export const formatIn = ({ format, formatV = format }: PageGeometry, x: 'k' | 'v'): PageFormat =>
  x === 'k' ? format : formatV;

/** The pools of a layer: a cache with `sharedKv` has none for values. */
export function poolNames({ sharedKv }: PageGeometry): readonly ('k' | 'v')[] {
  return sharedKv ? ['k'] : ['k', 'v'];
}

/** Words of the row of one token and head in each pool; 0 of v with `sharedKv`. */
export function kvRowWords(geometry: PageGeometry): KvWords {
  const { headDim, headDimV, sharedKv } = geometry;
  const v = sharedKv ? 0 : rowWords(formatIn(geometry, 'v'), headDimV);
  return { k: rowWords(geometry.format, headDim), v };
}

/** Words of a page in the pools of one layer. */
export function pageWords(geometry: PageGeometry): KvWords {
  const rows = geometry.pageSize * geometry.kvHeads;
  const { k, v } = kvRowWords(geometry);
  return { k: rows * k, v: rows * v };
}

/** Bytes of a page: of its keys and values in all layers. */
export function pageBytes(geometry: PageGeometry): number {
  const { k, v } = pageWords(geometry);
  return geometry.layers * (k + v) * 4;
}

const pattern = /^l(\d+)-h(\d+)-k(\d+)-v(\d+)-p(\d+)-([a-z]+\d+)(?:-([a-z]+\d+))?(-shared)?$/;

/** Returns a geometry for keys and messages: layers, kv heads, head dims of k and v, page size, format: `l2-h8-k64-v64-p16-f16`, and the values' format where it differs; with `sharedKv`, `-shared`. */
export const geometryText = (g: PageGeometry): string =>
  [
    `l${g.layers}-h${g.kvHeads}-k${g.headDim}-v${g.headDimV}-p${g.pageSize}-${g.format}`,
    ...(formatIn(g, 'v') === g.format ? [] : [g.formatV]),
    ...(g.sharedKv ? ['shared'] : []),
  ].join('-');

/** Inverts {@link geometryText}; returns undefined for any other text. */
export function parseGeometry(text: string): PageGeometry | undefined {
  const match = pattern.exec(text);
  const [format, formatV] = [match?.[6], match?.[7]].map((name) =>
    pageFormats.find((known) => known === name),
  );
  if (!match || !format) return undefined;
  const [layers, kvHeads, headDim, headDimV, pageSize] = match.slice(1, 6).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const sharedKv = match[8] !== undefined && { sharedKv: true as const };
  const own = { layers, kvHeads, headDim, headDimV, pageSize, format, ...sharedKv };
  const geometry = { ...own, ...(formatV && { formatV }) };
  return geometryText(geometry) === text ? geometry : undefined; // no leading zeros, nothing rounded
}

/** The geometry of a whole cache, as the records of a store name it. */
export interface StoreGeometry {
  /** The geometries of its groups of layers, joined by `+`; of several, with a digest of the layers' numbers. */
  readonly text: string;
  /** The first 16 hexadecimal digits of the text's SHA-256. */
  readonly digest: string;
}

/** @param layers the layers of each group, where there are several: rows of other layers are other rows */
export function storeGeometry(
  groups: readonly PageGeometry[],
  layers: readonly (readonly number[])[] = [],
): StoreGeometry {
  const shapes = groups.map(geometryText).join('+');
  const text = groups.length === 1 ? shapes : `${shapes}@${digestOf(layers.join(';'))}`;
  return { text, digest: digestOf(text) };
}

const digestOf = (text: string): string =>
  toHex(sha256(new TextEncoder().encode(text)).subarray(0, 8));

/** A record has a fixed cost, and a store that forgets one page of a prefix forgets all that follow. */
const segmentTokens = 256;

/**
 * Returns the pages of a segment, the fewest that hold 256 tokens. Pages of a shorter window are stored one by one: of a segment,
 * a load could use only some.
 */
export function segmentPages({ pageSize }: PageGeometry, window: number | undefined): number {
  const pages = Math.ceil(segmentTokens / pageSize);
  return window !== undefined && window < pages * pageSize ? 1 : pages;
}
