import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import type { AppendOptions } from './append/options.ts';
import type { OpenOptions } from './cache.ts';
import type { Rotary, RotaryTables } from './kernels/parts/rotary.ts';
import type { CacheOptions } from './options.ts';
import type { SaveOptions } from './stores/save.ts';

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

export const openNames: NamesOf<OpenOptions> = { tokens: 1, salt: 1, priority: 1 };

export const rotaryTableNames: NamesOf<RotaryTables> = { cos: 1, sin: 1, interleaved: 1 };

export const rotaryNames: NamesOf<Rotary> = { ...rotaryTableNames, positions: 1 };

export const appendNames: NamesOf<AppendOptions> = { cuSeqlens: 1, rotary: rotaryTableNames };

export const saveNames: NamesOf<SaveOptions> = { namespace: 1, signal: 1, onProgress: 1 };

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
  ...optionsOf('cache.open()', { salt: 1, priority: 1, tokens: 1 }),
  ...optionsOf('cache.save() and cache.load()', { namespace: 1 }),
});

export const meantOpen: Meant = () => ({
  prompt: 'tokens',
  prompttokens: 'tokens',
  inputids: 'tokens',
  ids: 'tokens',
  tokenids: 'tokens',
  tenant: 'salt',
  cachesalt: 'salt',
  ...optionsOf('cache.save() and cache.load()', { namespace: 1 }),
});

export const meantAppend: Meant = () => ({
  cuseqlensq: 'cuSeqlens',
  cuseqlensk: 'cuSeqlens',
  culens: 'cuSeqlens',
  seqlens: 'cuSeqlens',
  lengths: 'cuSeqlens',
  rope: 'rotary',
  cos: 'Pass rotary: { cos, sin }.',
  sin: 'Pass rotary: { cos, sin }.',
  positions: "Rows go to their sequence's next positions.",
});

export const meantSave: Meant = () => ({
  model: 'namespace',
  name: 'namespace',
  abort: 'signal',
  progress: 'onProgress',
});
