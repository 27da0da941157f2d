import { type Sight, sightOf, type WindowRule } from './page-window.ts';

/** A group of layers as the ledger sees it: how many runs of pages it has, and which of them its queries see. */
export interface GroupRules {
  readonly group: number;
  /** Runs of layers; each has page ids and a block table of its own. */
  readonly runs: number;
  /** The first of them, among the runs of all groups. */
  readonly firstRun: number;
  /** Pages of a run that one block holds. */
  readonly perBlock: number;
  /** Bytes of one page in all layers of the group. */
  readonly bytes: number;
  readonly window: WindowRule | undefined;
  readonly sight: Sight | undefined;
}

/** A group of layers as the ledger's options give it. */
export interface GroupOptions {
  readonly layers: number;
  /** Default 1. */
  readonly perBlock?: number;
  /** Bytes of one page in all layers of the group. */
  readonly bytes: number;
  readonly window?: number | undefined;
  readonly sinkTokens?: number | undefined;
}

/** Returns the number of layers of a run: that of the smallest group. */
export const layersOfRun = (groups: readonly { readonly layers: number }[]): number =>
  Math.min(...groups.map(({ layers }) => layers));

export function groupRules(groups: readonly GroupOptions[], pageSize: number): GroupRules[] {
  const size = layersOfRun(groups);
  let firstRun = 0;
  return groups.map(({ layers, perBlock = 1, bytes, window, sinkTokens = 0 }, group) => {
    const runs = Math.ceil(layers / size);
    const rule = window === undefined ? undefined : { pageSize, window, sinkTokens };
    const rules = { group, runs, firstRun, perBlock, bytes, window: rule };
    firstRun += runs;
    return { ...rules, sight: rule && sightOf(rule) };
  });
}
