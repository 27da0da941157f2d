import { checkWhole, fail, show } from './checks.ts';
import type { EvictionPolicy } from './eviction/policy.ts';
import type { PageFormat, PageGeometry } from './pages/geometry.ts';

/** What a cache holds and how much of it. */
export interface CacheOptions {
  readonly layers: number;
  readonly kvHeads: number;
  /** Dqk, 1 to 256. */
  readonly headDim: number;
  /** Dv, 1 to 256; default `headDim`. */
  readonly headDimV?: number;
  /** Tokens in a page; default 16. */
  readonly pageSize?: number;
  /** Pages that sequences can have; this, `maxBytes` or both are required. */
  readonly pages?: number;
  /** Memory to use at most, for all layers. Less is used where the device has less: `stats().pages` tells. */
  readonly maxBytes?: number;
  /** How rows are stored; default 'f16'. int8 and int4 keep one f32 scale per token and head. */
  readonly dtype?: PageFormat;
  /** Queries see this many keys before them, as with attention's `window: [window, …]`: pages out of sight are reused. */
  readonly window?: number;
  /** With `window`: the first tokens, which stay in sight. Default 0. */
  readonly sinkTokens?: number;
  /** Default `lru`. */
  readonly eviction?: EvictionPolicy;
  /** Fills pages with NaN before and after use, so that a read beyond a length shows. For tests; default false. */
  readonly poison?: boolean;
}

const formats: readonly unknown[] = ['f32', 'f16', 'int8', 'int4'];

/** Checks what does not depend on the device, and fills in the defaults. */
export function checkOptions(fn: string, o: CacheOptions): PageGeometry {
  if (typeof o !== 'object' || o === null) {
    fail(fn, 'options are required', show(o), 'Pass { layers, kvHeads, headDim, pages }.');
  }
  const { layers, kvHeads, headDim, headDimV = headDim, pageSize = 16, dtype = 'f16' } = o;
  checkWhole(fn, 'layers', layers, 1);
  checkWhole(fn, 'kvHeads', kvHeads, 1);
  checkWhole(fn, 'headDim', headDim, 1, 256);
  checkWhole(fn, 'headDimV', headDimV, 1, 256);
  checkWhole(fn, 'pageSize', pageSize, 1);
  if (!formats.includes(dtype)) {
    fail(fn, "dtype must be 'f32', 'f16', 'int8' or 'int4'", show(dtype), "'f16' is the default.");
  }
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
  return { layers, kvHeads, headDim, headDimV, pageSize, format: dtype };
}
