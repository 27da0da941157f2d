import { type KvWords, type PageGeometry, pageWords } from './page-geometry.ts';
import { layersOfRun } from './group-rules.ts';

/** Layers of one shape, which share block tables. */
export interface LayerGroup {
  /** Numbers of the layers in the model. */
  readonly layers: readonly number[];
  readonly geometry: PageGeometry;
  readonly window?: number | undefined;
  readonly sinkTokens?: number | undefined;
}

/** A group and its place in the blocks of a cache. */
export interface GroupLayout extends LayerGroup {
  readonly group: number;
  /** Number of its first layer, counted through all groups. */
  readonly firstLayer: number;
  /** Pages of a run that one block holds. */
  readonly perBlock: number;
  /** Words from a page to the next, in the buffers of a slot. */
  readonly stride: KvWords;
  /** The part of a block that its pages leave unused, of the buffers that it uses. */
  readonly padding: number;
}

/** Where a layer's pages are. */
export interface LayerPlace {
  readonly group: GroupLayout;
  /** Index of its run in the group. */
  readonly run: number;
  /** The slot of all runs whose buffers it binds. */
  readonly slot: number;
}

/**
 * The memory of a cache. Layers are dealt into runs of as many layers as the smallest group has. Layer s of each run binds the K and
 * V buffer of slot s, with its own shape and type. Blocks divide these buffers; a block belongs to one run at a time.
 */
export interface CacheLayout {
  readonly pageSize: number;
  readonly groups: readonly GroupLayout[];
  readonly slots: number;
  /** Words of a block in the buffers of a slot; 0 of v if no group stores values. */
  readonly blockWords: KvWords;
  /** By layer, counted through all groups. */
  readonly places: readonly LayerPlace[];
}

export function layOut(given: readonly LayerGroup[]): CacheLayout {
  const slots = layersOfRun(given.map(({ geometry }) => geometry));
  const words = given.map(({ geometry }) => pageWords(geometry));
  const largest = inBoth((x) => Math.max(...words.map((own) => own[x])));
  const counts = words.map((own) => {
    const fits = (x: 'k' | 'v'): number =>
      own[x] === 0 ? Infinity : Math.floor(largest[x] / own[x]);
    return Math.min(fits('k'), fits('v'));
  });
  // Pages of every group end with the block.
  const blockWords = inBoth((x) => upTo(largest[x], counts.reduce(commonMultiple)));
  let firstLayer = 0;
  const groups = given.map((group, i): GroupLayout => {
    const perBlock = counts[i]!;
    const stride = inBoth((x) => blockWords[x] / perBlock);
    const used = words[i]!.k + words[i]!.v;
    const had = stride.k + (words[i]!.v === 0 ? 0 : stride.v);
    const padding = 1 - used / had;
    const layout = { ...group, group: i, firstLayer, perBlock, stride, padding };
    firstLayer += group.geometry.layers;
    return layout;
  });
  const places = groups.flatMap((group) =>
    group.layers.map((_, i) => ({ group, run: Math.floor(i / slots), slot: i % slots })),
  );
  return { pageSize: given[0]!.geometry.pageSize, groups, slots, blockWords, places };
}

/** Bytes of a block, in all slots. */
export const blockBytes = ({ slots, blockWords }: CacheLayout): number =>
  slots * (blockWords.k + blockWords.v) * 4;

const inBoth = (of: (x: 'k' | 'v') => number): KvWords => ({ k: of('k'), v: of('v') });

const upTo = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

const commonMultiple = (a: number, b: number): number => (a / commonDivisor(a, b)) * b;
