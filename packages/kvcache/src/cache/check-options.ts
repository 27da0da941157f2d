import { checkPageFormat, fail, MAX_HEAD_DIM, readOptions, show } from '@heed/core/kernel';
import { lru } from '../pages/eviction.ts';
import type { PageGeometry } from '../pages/page-geometry.ts';
import { type CacheLayout, layOut, type LayerGroup } from '../pages/page-layout.ts';
import { checkWhole } from '../pages/whole-numbers.ts';
import {
  type CacheGroup,
  cacheNames,
  type CacheOptions,
  groupedNames,
  type GroupedCacheOptions,
  groupNames,
  type LayerOptions,
  meantCache,
  meantGrouped,
  type MemoryOptions,
} from './cache-options.ts';

/** Checked options, which do not depend on the device yet. */
export interface CheckedOptions extends MemoryOptions {
  readonly layout: CacheLayout;
  /** Layers, by the model's numbers, that read another's pages. */
  readonly reads: ReadonlyMap<number, number>;
}

const mostLayers = 4096;
const mostPadding = 1 / 8;

/** Checks the options that do not depend on the device, and lays the groups out. */
export function checkOptions(
  fn: string,
  given: CacheOptions | GroupedCacheOptions,
): CheckedOptions {
  const isGrouped = typeof given === 'object' && given !== null && 'groups' in given;
  return isGrouped ? checkGrouped(fn, given) : checkPlain(fn, given);
}

function checkPlain(fn: string, given: CacheOptions): CheckedOptions {
  const options = readOptions(fn, given, cacheNames, meantCache);
  const { layers } = options;
  checkWhole(fn, 'layers', layers, 1, mostLayers);
  const group = layerGroup(fn, '', options, checkMemory(fn, options), numbersTo(layers));
  return { ...options, layout: layOut([group]), reads: new Map() };
}

function checkGrouped(fn: string, given: GroupedCacheOptions): CheckedOptions {
  const options = readOptions(fn, given, groupedNames, meantGrouped);
  const { groups } = options;
  if (!Array.isArray(groups) || groups.length === 0) {
    const fix = 'Pass [{ layers: [0, 1], kvHeads, headDim }, …].';
    fail(fn, 'groups must be an array of groups of layers', show(groups), fix);
  }
  const pageSize = checkMemory(fn, options);
  const layout = layOut(
    (groups as readonly CacheGroup[]).map((group, i) => {
      const what = `groups[${i}]`;
      const read = readOptions(fn, group, groupNames, meantCache, what);
      return layerGroup(fn, `${what}.`, read, pageSize, checkLayers(fn, what, read.layers));
    }),
  );
  checkApart(fn, layout);
  checkPadding(fn, layout);
  return { ...options, layout, reads: checkReads(fn, options.reads, layout) };
}

const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Checks the memory of a cache. Returns its page size. */
function checkMemory(fn: string, o: MemoryOptions): number {
  const { pageSize = 16, eviction = lru } = o;
  checkWhole(fn, 'pageSize', pageSize, 1);
  if (o.pages === undefined && o.maxBytes === undefined) {
    const fix = 'A device does not report its free memory: pass what the cache may use.';
    fail(fn, 'pages or maxBytes is required', 'neither', fix);
  }
  if (o.pages !== undefined) checkWhole(fn, 'pages', o.pages, 1, 2 ** 31 - 2);
  if (o.maxBytes !== undefined) checkWhole(fn, 'maxBytes', o.maxBytes, 1);
  const { bytesPerSalt = 0 } = eviction ?? {};
  if (typeof eviction?.compare !== 'function' || !(bytesPerSalt >= 0)) {
    const fix = 'Pass lru, priority, fairShare(bytes) or { name, compare }.';
    fail(fn, 'eviction must be an EvictionPolicy', show(o.eviction), fix);
  }
  return pageSize;
}

/** Checks the shape of layers. `what` begins the names of the options in messages. */
function layerGroup(
  fn: string,
  what: string,
  o: LayerOptions,
  pageSize: number,
  layers: readonly number[],
): LayerGroup {
  const { kvHeads, headDim, headDimV = headDim, dtype = 'f16', dtypeV = dtype } = o;
  checkWhole(fn, `${what}kvHeads`, kvHeads, 1);
  checkWhole(fn, `${what}headDim`, headDim, 1, MAX_HEAD_DIM);
  checkWhole(fn, `${what}headDimV`, headDimV, 1, MAX_HEAD_DIM);
  checkPageFormat(fn, `${what}dtype`, dtype, "'f16' is the default.");
  checkPageFormat(fn, `${what}dtypeV`, dtypeV, 'Leave it out for that of the keys.');
  checkShared(fn, what, o, headDimV);
  const { window, sinkTokens } = o;
  if (window !== undefined) checkWhole(fn, `${what}window`, window, 0);
  if (sinkTokens !== undefined) checkWhole(fn, `${what}sinkTokens`, sinkTokens, 0);
  if (sinkTokens !== undefined && window === undefined) {
    fail(fn, `${what}sinkTokens needs a window`, 'none', 'Without one nothing is released.');
  }
  const shape = { layers: layers.length, kvHeads, headDim, headDimV, pageSize, format: dtype };
  const geometry: PageGeometry = {
    ...shape,
    ...(dtypeV !== dtype && { formatV: dtypeV }),
    ...(o.sharedKv && { sharedKv: true as const }),
  };
  return { layers, geometry, window, sinkTokens };
}

function checkShared(
  fn: string,
  what: string,
  { sharedKv, headDim, dtype = 'f16', dtypeV = dtype }: LayerOptions,
  headDimV: number,
): void {
  if (sharedKv !== undefined && typeof sharedKv !== 'boolean') {
    fail(fn, `${what}sharedKv must be true or false`, show(sharedKv), 'Leave it out for false.');
  }
  if (!sharedKv) return;
  const fix = 'Values are the first columns of the keys.';
  if (headDimV > headDim) {
    const rule = `with sharedKv, ${what}headDimV may be at most headDim, ${headDim}`;
    fail(fn, rule, String(headDimV), fix);
  }
  if (dtypeV === dtype) return;
  fail(fn, `with sharedKv, ${what}dtypeV must be dtype, '${dtype}'`, show(dtypeV), fix);
}

/** Checks the layers of a group. */
function checkLayers(fn: string, what: string, layers: unknown): number[] {
  if (!Array.isArray(layers) || layers.length === 0) {
    const fix = "Pass the model's numbers, such as [5, 11, 17].";
    fail(fn, `${what}.layers must be an array of layers`, show(layers), fix);
  }
  const numbers = layers as readonly unknown[] as number[];
  numbers.forEach((layer, i) => {
    checkWhole(fn, `${what}.layers[${i}]`, layer, i === 0 ? 0 : numbers[i - 1]! + 1, 2 ** 31 - 1);
  });
  return numbers;
}

/** Throws for a layer in two groups, and for too many layers. */
function checkApart(fn: string, { groups }: CacheLayout): void {
  const owners = new Map<number, number>();
  for (const { group, layers } of groups) {
    for (const layer of layers) {
      const owner = owners.get(layer);
      if (owner !== undefined) {
        const got = `layer ${layer} in groups[${owner}] and groups[${group}]`;
        fail(fn, 'a layer must be in one group', got, 'Take it out of one of them.');
      }
      owners.set(layer, group);
    }
  }
  if (owners.size <= mostLayers) return;
  fail(fn, `groups may have ${mostLayers} layers`, String(owners.size), 'Use several caches.');
}

/** Throws for a group whose pages leave too much of a block unused. */
function checkPadding(fn: string, { groups }: CacheLayout): void {
  const worst = groups.reduce((a, b) => (b.padding > a.padding ? b : a));
  if (worst.padding <= mostPadding) return;
  const { group, perBlock, padding } = worst;
  const percent = Math.round(100 * padding);
  const rule = `pages must fill at least 7/8 of their part of a block, which has the bytes of the largest page`;
  const got = `groups[${group}], of which ${perBlock} to a block leave ${percent} % unused`;
  const fix =
    'The part is the same with every pageSize: change dtype, dtypeV or kvHeads of a group, or give it a cache of its own.';
  fail(fn, rule, got, fix);
}

/** Checks which layers read another's pages. */
function checkReads(
  fn: string,
  reads: GroupedCacheOptions['reads'] = {},
  { groups }: CacheLayout,
): Map<number, number> {
  if (typeof reads !== 'object' || reads === null || Array.isArray(reads)) {
    fail(fn, 'reads must be an object of layers', show(reads), 'Pass { 20: 13 }.');
  }
  const stored = new Set(groups.flatMap(({ layers }) => layers));
  const checked = new Map<number, number>();
  for (const [name, read] of Object.entries(reads)) {
    const layer = Number(name);
    checkWhole(fn, 'a layer in reads', layer, 0, 2 ** 31 - 1);
    if (stored.has(layer)) {
      const rule = `layer ${layer} must not be in a group, since it reads another's pages`;
      fail(fn, rule, `reads: { ${layer}: ${show(read)} }`, 'Take it out of the group or of reads.');
    }
    if (!stored.has(read)) {
      const rule = `layer ${layer} must read a layer that is in a group`;
      fail(fn, rule, show(read), 'Name the layer that stores the pages.');
    }
    checked.set(layer, read);
  }
  return checked;
}
