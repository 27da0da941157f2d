import type { PageFormat } from '@heed/core';
import {
  checkPageFormat,
  fail,
  type Meant,
  type NamesOf,
  optionsOf,
  show,
} from '@heed/core/kernel';
import { checkWhole } from '../pages/whole-numbers.ts';
import type { EvictionPolicy } from '../pages/eviction.ts';
import type { PageGeometry } from '../pages/page-geometry.ts';

/**
 * What a cache holds and how much of it. A page takes `layers · pageSize · kvHeads · (row of k + row of v)` bytes; a row of D
 * elements is 4·D (f32), 2·D (f16), 4 + D (int8) or 4 + D / 2 (int4), in whole words of 4 bytes.
 */
export interface CacheOptions {
  /** Layers with keys and values of their own, 1 to 4,096: each has two buffers. */
  readonly layers: number;
  /** Hkv, 1 or more: with grouped queries, fewer than query heads. */
  readonly kvHeads: number;
  /** Dqk, 1 to 256. */
  readonly headDim: number;
  /** Dv, 1 to 256; default `headDim`. */
  readonly headDimV?: number;
  /** Tokens in a page, 1 or more; default 16. Only full pages are shared. */
  readonly pageSize?: number;
  /** Pages that sequences can have, page 0 not counted; this, `maxBytes` or both are required. All are there, or `create` fails. */
  readonly pages?: number;
  /** Bytes to use at most, for all layers, page 0 counted. Less is used where the device has less: `stats().pages` tells. */
  readonly maxBytes?: number;
  /**
   * How pages store rows, whatever the dtype of the appended tensors; default 'f16'. Views call it `format`. int8 and int4 keep
   * one f32 scale per token and head, the largest magnitude / 127 or / 7: an element is off by at most half a step.
   */
  readonly dtype?: PageFormat;
  /**
   * Queries see this many keys before them: pages out of sight are reused. Views bring it along, and attention over them sees
   * nothing else, whatever its mask.
   */
  readonly window?: number;
  /** With `window`: so many first tokens stay in sight. Default 0. Source: StreamingLLM (arXiv 2309.17453). */
  readonly sinkTokens?: number;
  /** Which cached page goes first when memory is needed; default `lru`. */
  readonly eviction?: EvictionPolicy;
  /** Fills pages with NaN before and after use, so that a read beyond a length shows. For tests; default false. */
  readonly poison?: boolean;
}

export const cacheNames: NamesOf<CacheOptions> = {
  layers: 1,
  kvHeads: 1,
  headDim: 1,
  headDimV: 1,
  pageSize: 1,
  pages: 1,
  maxBytes: 1,
  dtype: 1,
  window: 1,
  sinkTokens: 1,
  eviction: 1,
  poison: 1,
};

/** What `open` may be told of a sequence; nothing of it is required. */
export interface OpenOptions {
  /** The prompt, n token ids: its longest cached run of full pages, at most n − 1 tokens, is taken over. Default: none. */
  readonly tokens?: ArrayLike<number>;
  /** Sequences share pages only with those of the same salt: a tenant, an adapter of the weights. Default ''. */
  readonly salt?: string;
  /** How dear its prefixes are to the `priority` policy; default 0. */
  readonly priority?: number;
}

export const openNames: NamesOf<OpenOptions> = { tokens: 1, salt: 1, priority: 1 };

const ofStores = (): Record<string, string> =>
  optionsOf('cache.save() and cache.load()', { namespace: 1 });

/** What others call the options of a cache. */
export const meantCache: Meant = () => ({
  numlayers: 'layers',
  nlayers: 'layers',
  numkvheads: 'kvHeads',
  numheads: 'kvHeads',
  heads: 'kvHeads',
  hkv: 'kvHeads',
  headsize: 'headDim',
  dim: 'headDim',
  blocksize: 'pageSize',
  numpages: 'pages',
  numblocks: 'pages',
  maxpages: 'pages',
  maxmemory: 'maxBytes',
  bytes: 'maxBytes',
  format: 'dtype',
  cachedtype: 'dtype',
  slidingwindow: 'window',
  windowsize: 'window',
  sinks: 'sinkTokens',
  policy: 'eviction',
  ...optionsOf('cache.open()', openNames),
  ...ofStores(),
});

/** Checks what does not depend on the device, and fills in the defaults. */
export function checkOptions(fn: string, o: CacheOptions): PageGeometry {
  const { layers, kvHeads, headDim, headDimV = headDim, pageSize = 16, dtype = 'f16' } = o;
  checkWhole(fn, 'layers', layers, 1, 4096);
  checkWhole(fn, 'kvHeads', kvHeads, 1);
  checkWhole(fn, 'headDim', headDim, 1, 256);
  checkWhole(fn, 'headDimV', headDimV, 1, 256);
  checkWhole(fn, 'pageSize', pageSize, 1);
  checkPageFormat(fn, 'dtype', dtype, "'f16' is the default.");
  if (o.pages === undefined && o.maxBytes === undefined) {
    const fix = 'A device does not tell how much memory is free: say how much the cache may use.';
    fail(fn, 'pages or maxBytes is required', 'neither', fix);
  }
  if (o.pages !== undefined) checkWhole(fn, 'pages', o.pages, 1, 2 ** 31 - 2);
  if (o.maxBytes !== undefined) checkWhole(fn, 'maxBytes', o.maxBytes, 1);
  if (o.window !== undefined) checkWhole(fn, 'window', o.window, 0);
  if (o.sinkTokens !== undefined) checkWhole(fn, 'sinkTokens', o.sinkTokens, 0);
  if (o.sinkTokens !== undefined && o.window === undefined) {
    fail(fn, 'sinkTokens needs a window', 'none', 'Without one nothing is released.');
  }
  if (o.eviction !== undefined && typeof o.eviction?.compare !== 'function') {
    const fix = 'Pass lru, priority or { name, compare }.';
    fail(fn, 'eviction must be an EvictionPolicy', show(o.eviction), fix);
  }
  return { layers, kvHeads, headDim, headDimV, pageSize, format: dtype };
}

export const meantOpen: Meant = () => ({
  prompt: 'tokens',
  prompttokens: 'tokens',
  inputids: 'tokens',
  ids: 'tokens',
  tokenids: 'tokens',
  tenant: 'salt',
  cachesalt: 'salt',
  ...ofStores(),
});
