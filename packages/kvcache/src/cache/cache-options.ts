import type { PageFormat } from '@heed/core';
import {
  checkPageFormat,
  fail,
  MAX_HEAD_DIM,
  type Meant,
  type NamesOf,
  optionsOf,
  show,
} from '@heed/core/kernel';
import type { TokenIds } from '../pages/token-ids.ts';
import { checkWhole } from '../pages/whole-numbers.ts';
import type { EvictionPolicy } from '../pages/eviction.ts';
import type { PageGeometry } from '../pages/page-geometry.ts';

/**
 * Shape and size of a cache. A page takes `layers · pageSize · kvHeads · (row of k + row of v)` bytes; a row of D
 * elements is 4·D (f32), 2·D (f16, bf16), 4 + D (int8) or 4 + D / 2 (int4), in whole words of 4 bytes.
 */
export interface CacheOptions {
  /** Layers that store keys and values, 1 to 4,096. Each has two buffers. */
  readonly layers: number;
  /** Hkv, 1 or more. With grouped queries, there are more query heads. */
  readonly kvHeads: number;
  /** Dqk, 1 to 576. */
  readonly headDim: number;
  /** Dv, 1 to 576; default `headDim`. */
  readonly headDimV?: number;
  /**
   * Values are the first `headDimV` columns of the keys, as in multi-head latent attention: a row is stored once, and `append` takes k
   * alone. Default false.
   */
  readonly sharedKv?: boolean;
  /** Tokens in a page, 1 or more; default 16. Only full pages are shared. */
  readonly pageSize?: number;
  /** Pages for sequences, not counting page 0. `create` allocates all or fails. This, `maxBytes` or both are required. */
  readonly pages?: number;
  /** Most bytes to allocate, over all layers and with page 0. A device with less memory gets fewer pages: see `stats().pages`. */
  readonly maxBytes?: number;
  /**
   * How pages store rows, whatever the dtype of the appended tensors; default 'f16'. Views call it `format`. int8 and int4 keep
   * one f32 scale per token and head, the largest magnitude / 127 or / 7: an element is off by at most half a step.
   */
  readonly dtype?: PageFormat;
  /**
   * Queries see this many keys before them; pages that no query can see any more are reused. Views include the window, and
   * attention over them sees no other keys, whatever its mask. Hugging Face's `sliding_window: W` counts the query's own key: it
   * is `window: W − 1` here.
   */
  readonly window?: number;
  /** With `window`: number of first tokens that stay visible. Default 0. Source: StreamingLLM (arXiv 2309.17453). */
  readonly sinkTokens?: number;
  /** Order in which cached pages are evicted; default `lru`. */
  readonly eviction?: EvictionPolicy;
  /** Fills pages with NaN before and after use, so that a read beyond a length is noticed. For tests; default false. */
  readonly poison?: boolean;
}

export const cacheNames: NamesOf<CacheOptions> = {
  layers: 1,
  kvHeads: 1,
  headDim: 1,
  headDimV: 1,
  sharedKv: 1,
  pageSize: 1,
  pages: 1,
  maxBytes: 1,
  dtype: 1,
  window: 1,
  sinkTokens: 1,
  eviction: 1,
  poison: 1,
};

/** Options of `open`, all optional. */
export interface OpenOptions {
  /** The prompt, n token ids. The sequence starts with its longest cached run of full pages, at most n − 1 tokens. Default: none. */
  readonly tokens?: TokenIds;
  /** Sequences share pages only with sequences of the same salt, such as a tenant or an adapter of the weights. Default ''. */
  readonly salt?: string;
  /** Eviction priority: under the `priority` policy, prefixes with a higher one are kept longer. Default 0. */
  readonly priority?: number;
}

export const openNames: NamesOf<OpenOptions> = { tokens: 1, salt: 1, priority: 1 };

const ofStores = (): Record<string, string> =>
  optionsOf('cache.save() and cache.load()', { namespace: 1 });

/** Other libraries' names for the options of a cache. */
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
  mla: 'sharedKv',
  kvshared: 'sharedKv',
  ...optionsOf('cache.open()', openNames),
  ...ofStores(),
});

/** Checks the options that do not depend on the device, and fills in defaults. */
export function checkOptions(fn: string, o: CacheOptions): PageGeometry {
  const { layers, kvHeads, headDim, headDimV = headDim, pageSize = 16, dtype = 'f16' } = o;
  checkWhole(fn, 'layers', layers, 1, 4096);
  checkWhole(fn, 'kvHeads', kvHeads, 1);
  checkWhole(fn, 'headDim', headDim, 1, MAX_HEAD_DIM);
  checkWhole(fn, 'headDimV', headDimV, 1, MAX_HEAD_DIM);
  checkWhole(fn, 'pageSize', pageSize, 1);
  checkShared(fn, o.sharedKv, headDim, headDimV);
  checkPageFormat(fn, 'dtype', dtype, "'f16' is the default.");
  if (o.pages === undefined && o.maxBytes === undefined) {
    const fix = 'A device does not report its free memory: pass what the cache may use.';
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
  const shared = o.sharedKv && { sharedKv: true as const };
  return { layers, kvHeads, headDim, headDimV, pageSize, format: dtype, ...shared };
}

function checkShared(fn: string, sharedKv: unknown, headDim: number, headDimV: number): void {
  if (sharedKv !== undefined && typeof sharedKv !== 'boolean') {
    fail(fn, 'sharedKv must be true or false', show(sharedKv), 'Leave it out for false.');
  }
  if (!sharedKv || headDimV <= headDim) return;
  const fix = 'Values are the first columns of the keys.';
  fail(fn, `with sharedKv, headDimV may be at most headDim, ${headDim}`, String(headDimV), fix);
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
