import type { NamesOf } from '@heed/core/kernel';
import { pageBytes, pageWords } from '../pages/page-geometry.ts';
import { blockBytes, type CacheLayout, type GroupLayout } from '../pages/page-layout.ts';
import type { PageSet, PrefixOrigin } from '../pages/prefix-node.ts';
import type { Ledger } from '../sequences/ledger.ts';
import type { CacheCore } from './cache-core.ts';

/** Options of `stats`. */
export interface StatsOptions {
  /** Counts the pages of each salt, in time that grows with the pages. Default false. */
  readonly salts?: boolean;
}

export const statsNames: NamesOf<StatsOptions> = { salts: 1 };

/** Numbers of a group of layers. A page is that of one run: `pageSize` tokens in as many layers as the smallest group has. */
export interface GroupStats {
  /** Numbers of its layers in the model. */
  readonly layers: readonly number[];
  /** Pages in the block table of a sequence. */
  readonly used: number;
  /** Pages in no block table that still hold a prefix. */
  readonly cached: number;
  /** Pages that hold nothing, in blocks that the group has. */
  readonly free: number;
  /** Bytes of the blocks that the group has. */
  readonly bytes: number;
  /** Bytes of them that no page can use: rests of blocks, layers that its last run lacks, and values where there are none. */
  readonly padding: number;
}

/** Numbers of a salt. */
export interface SaltStats {
  /** The salt; its name, if a store brought its prefixes and no `open` has named it yet. */
  readonly salt: string;
  /** Bytes of its pages in block tables, in all layers. */
  readonly used: number;
  /** Bytes of its pages in no block table, which hold its prefixes. */
  readonly cached: number;
}

/** Numbers of a cache: used + cached + free = pages. With `groups`, these are blocks; a block with a page in use is used. */
export interface KvStats {
  /** Pages for sequences, not counting page 0. */
  readonly pages: number;
  /** Pages in the block table of a sequence. */
  readonly used: number;
  /** Pages in no block table that still hold a prefix that `open` finds. */
  readonly cached: number;
  /** Pages that hold nothing. */
  readonly free: number;
  /** Bytes of all pages in all layers, page 0 included. */
  readonly bytes: number;
  /** The groups of layers, of which a cache without `groups` has one. */
  readonly groups: readonly GroupStats[];
  /** With `{ salts: true }`: what each salt has. */
  readonly salts?: readonly SaltStats[];
  /** Open sequences. */
  readonly sequences: number;
  /** Calls of `open` with tokens. */
  readonly lookups: number;
  /** Tokens passed to those calls. */
  readonly lookupTokens: number;
  /** Tokens found by those calls. */
  readonly hitTokens: number;
  /** hitTokens / lookupTokens; 0 before the first. */
  readonly hitRate: number;
  /** Cached pages that were evicted. */
  readonly evictions: number;
  /** Shared pages that were copied before a sequence wrote them. */
  readonly copies: number;
  /** Shared pages of which a sequence got a copy because `keep` moved rows into them. */
  readonly keepCopies: number;
  /** Tokens whose pages became findable by `load`. */
  readonly loadedTokens: number;
  /** Tokens whose pages `save` put into stores, as its reports count them. */
  readonly savedTokens: number;
}

export function statsOf({ ledger, layout, bytes, moved }: CacheCore, salts: boolean): KvStats {
  const { open, counters } = ledger;
  const { blocks, idle, free } = ledger.pages.blocks;
  const { lookups, lookupTokens, hitTokens, evictions, copies, keepCopies } = counters;
  return {
    pages: blocks,
    used: blocks - idle,
    cached: idle - free,
    free,
    bytes,
    groups: layout.groups.map((group) => groupStats(ledger, layout, group)),
    ...(salts && { salts: saltStats(ledger, layout) }),
    sequences: open.size,
    lookups,
    lookupTokens,
    hitTokens,
    hitRate: lookupTokens === 0 ? 0 : hitTokens / lookupTokens,
    evictions,
    copies,
    keepCopies,
    loadedTokens: moved.loaded,
    savedTokens: moved.saved,
  };
}

function groupStats(
  { groups, pages }: Ledger,
  layout: CacheLayout,
  { group, layers, geometry, perBlock }: GroupLayout,
): GroupStats {
  const { firstRun, runs } = groups[group]!;
  const { k, v } = pageWords(geometry);
  const sets = pages.setsOf(group);
  const [used, cached] = [sets.used * runs, sets.cached * runs];
  let [blocks, filled] = [0, 0];
  for (let run = 0; run < runs; run++) {
    const own = pages.blocks.blocksOf(firstRun + run);
    const inRun = Math.min(layout.slots, layers.length - run * layout.slots);
    blocks += own;
    filled += own * perBlock * inRun * (k + v) * 4;
  }
  const bytes = blocks * blockBytes(layout);
  return {
    layers,
    used,
    cached,
    free: blocks * perBlock - used - cached,
    bytes,
    padding: bytes - filled,
  };
}

function saltStats({ tree, open }: Ledger, { groups }: CacheLayout): SaltStats[] {
  const salts = new Map<PrefixOrigin, { used: number; cached: number }>();
  const seen = new Set<PageSet>();
  const add = (origin: PrefixOrigin, set: PageSet | undefined): void => {
    if (!set || seen.has(set)) return;
    seen.add(set);
    const own = salts.get(origin) ?? { used: 0, cached: 0 };
    own[set.references > 0 ? 'used' : 'cached'] += pageBytes(groups[set.group]!.geometry);
    salts.set(origin, own);
  };
  for (const { origin, sets } of tree.nodes()) for (const set of sets) add(origin, set);
  for (const { node, tables } of open) {
    for (const { sets } of tables) for (const set of sets) add(node.origin, set);
  }
  return [...salts].map(([{ salt }, own]) => ({ salt, ...own }));
}
