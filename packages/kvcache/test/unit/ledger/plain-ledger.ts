import type { EvictionPolicy } from '../../../src/pages/eviction.ts';
import type { Ledger, LedgerOptions } from '../../../src/sequences/ledger.ts';

/** A cache whose layers are all alike: one group, one run, and a page to each block. */
export interface PlainOptions {
  readonly layers: number;
  readonly pageSize: number;
  readonly pages: number;
  readonly window?: number | undefined;
  readonly sinkTokens?: number | undefined;
  readonly eviction: EvictionPolicy;
}

export const ledgerOptions = (options: PlainOptions): LedgerOptions => {
  const { layers, pageSize, pages, window, sinkTokens, eviction } = options;
  const groups = [{ layers, bytes: 64, window, sinkTokens }];
  return { groups, pageSize, blocks: pages, eviction };
};

/** Returns the pages of a plain ledger that are used, cached and free. */
export const pageCounts = ({ pages }: Ledger): [used: number, cached: number, free: number] => {
  const { blocks, idle, free } = pages.blocks;
  return [blocks - idle, idle - free, free];
};
