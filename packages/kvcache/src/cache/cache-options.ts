import type { PageFormat } from '@heed/core';
import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import type { TokenIds } from '../pages/token-ids.ts';
import type { EvictionPolicy } from '../pages/eviction.ts';

/** Memory of a cache, and what becomes of it. */
export interface MemoryOptions {
  /** Tokens in a page, 1 or more; default 16. Only full pages are shared. */
  readonly pageSize?: number;
  /**
   * Pages for sequences, not counting page 0; with `groups`, blocks, each of the bytes of the largest page. `create` allocates all or
   * fails. This, `maxBytes` or both are required.
   */
  readonly pages?: number;
  /** Most bytes to allocate, over all layers and with page 0. A device with less memory gets fewer pages: see `stats().pages`. */
  readonly maxBytes?: number;
  /** Order in which cached pages are evicted; default `lru`. */
  readonly eviction?: EvictionPolicy;
  /** Fills pages with NaN before and after use, so that a read beyond a length is noticed. For tests; default false. */
  readonly poison?: boolean;
}

/**
 * Shape of layers. A page takes `pageSize · kvHeads · (row of k + row of v)` bytes in each layer; a row of D elements is 4·D (f32),
 * 2·D (f16, bf16), 4 + D (int8) or 4 + D / 2 (int4), in whole words of 4 bytes.
 */
export interface LayerOptions {
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
  /**
   * How pages store rows, whatever the dtype of the appended tensors; default 'f16'. Views call it `format`. int8 and int4 keep
   * one f32 scale per token and head, the largest magnitude / 127 or / 7: an element is off by at most half a step.
   */
  readonly dtype?: PageFormat;
  /** How pages store the rows of values; default `dtype`. Views call it `formatV`. Not with `sharedKv`. */
  readonly dtypeV?: PageFormat;
  /**
   * Queries see this many keys before them; pages that no query can see any more are reused. Views include the window, and
   * attention over them sees no other keys, whatever its mask. Hugging Face's `sliding_window: W` counts the query's own key: it
   * is `window: W − 1` here.
   */
  readonly window?: number;
  /** With `window`: number of first tokens that stay visible. Default 0. Source: StreamingLLM (arXiv 2309.17453). */
  readonly sinkTokens?: number;
}

/** Shape and size of a cache whose layers are all alike. */
export interface CacheOptions extends MemoryOptions, LayerOptions {
  /** Layers that store keys and values, 1 to 4,096. Each has two buffers. */
  readonly layers: number;
}

/** Layers of one shape and window, in a cache of several such groups. */
export interface CacheGroup extends LayerOptions {
  /** Numbers of the layers in the model, each in one group, in ascending order. */
  readonly layers: readonly number[];
}

/**
 * Shape and size of a cache whose layers differ: windowed layers beside full ones, for example. All groups take pages from one memory.
 */
export interface GroupedCacheOptions extends MemoryOptions {
  /** One or more groups of layers. A page of each must fill at least 7/8 of its part of a block. */
  readonly groups: readonly CacheGroup[];
  /**
   * Layers that read the pages of another: `{ 20: 13 }` says that layer 20 stores nothing and sees what layer 13 has stored.
   * Source: the shared layers of Gemma 3n; YOCO (arXiv 2405.05254).
   */
  readonly reads?: Readonly<Record<number, number>>;
}

const memoryNames: NamesOf<MemoryOptions> = {
  pageSize: 1,
  pages: 1,
  maxBytes: 1,
  eviction: 1,
  poison: 1,
};

const layerNames: NamesOf<LayerOptions> = {
  kvHeads: 1,
  headDim: 1,
  headDimV: 1,
  sharedKv: 1,
  dtype: 1,
  dtypeV: 1,
  window: 1,
  sinkTokens: 1,
};

export const cacheNames: NamesOf<CacheOptions> = { layers: 1, ...layerNames, ...memoryNames };

export const groupNames: NamesOf<CacheGroup> = { layers: 1, ...layerNames };

export const groupedNames: NamesOf<GroupedCacheOptions> = {
  groups: 1,
  reads: 'data',
  ...memoryNames,
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
  formatv: 'dtypeV',
  vdtype: 'dtypeV',
  valuedtype: 'dtypeV',
  slidingwindow: 'window',
  windowsize: 'window',
  sinks: 'sinkTokens',
  policy: 'eviction',
  mla: 'sharedKv',
  kvshared: 'sharedKv',
  kvsharedlayers: 'reads',
  ...optionsOf('cache.open()', openNames),
  ...ofStores(),
});

/** Names of the options of layers, where groups have them. */
export const meantGrouped: Meant = () => ({
  ...meantCache(),
  ...optionsOf('each of the groups', groupNames),
});

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
