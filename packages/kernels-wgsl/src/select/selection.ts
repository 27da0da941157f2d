import { type Capabilities, type Gpu, type Tuning, UnsupportedError } from '@heed/core';
import { fail, knownNames, show } from '@heed/core/kernel';
import { diagonalHooks, hasBlocks } from '../text/parts/hook.ts';
import type { GradientOf, RowKind } from '../text/parts/kinds.ts';
import type { ForwardConfig } from '../text/tiles/kernel-config.ts';
import { deviceClass } from '../text/tiles/device-class.ts';
import type { TileProblem } from '../text/tiles/tile-path.ts';
import {
  cannotImplement,
  cannotImplementGradient,
  sharesKv,
  sumsPerRow,
  tileCandidates,
  type TileConfig,
  type TilePath,
  tilePaths,
  tileShape,
} from '../text/tiles/tile-paths.ts';
import { gradientKey, type ProblemFacts, problemKey } from './problem-facts.ts';
import { rowShapes } from './row-shapes.ts';
import { type Tuned, tunedChoice } from './tuned.ts';

/** A selected kernel: the part of its config that does not depend on the memory layout of tensors. */
export interface Selection {
  readonly config: Omit<ForwardConfig, 'read' | 'write' | 'outType' | 'tile'> & {
    readonly tile: TileConfig;
  };
  /** What the tile is for: `group` for decode, `head` for prefill. */
  readonly use: RowKind;
  readonly splits: number;
  /** Explains the selection in one readable line. */
  readonly reason: string;
}

// With 'auto', groups of at most this many rows take tiles of few rows. Larger ones read keys less often by the tiles of prefill.
const DECODE_ROWS = 16;
const MAX_SPLITS = 128;

/** All values of `tuning.force.path`. The paths `decode` and `integers` pack the rows of a group regardless of their number. */
export const forcedPaths = Object.keys(tilePaths) as readonly TilePath[];

/**
 * Returns the path that a tuning forces, if any.
 * @throws ValidationError an unknown path
 */
function forcedPath(tuning: Tuning | undefined): TilePath | undefined {
  const path = tuning?.force?.path;
  if (path === undefined || (forcedPaths as readonly string[]).includes(path))
    return path as TilePath | undefined;
  const fix = knownNames(path, forcedPaths);
  fail('attention', 'tuning.force.path must be a tile path', show(path), fix);
}

/**
 * Selects path, tiles and splits from the tuning, else the defaults. With a fixed `numSplits` it uses only dtypes, head dims,
 * hooks, head ratio and `numSplits`, never a batch size or a length, so results are batch-invariant.
 * @throws ValidationError the forced path does not exist
 * @throws UnsupportedError the forced path cannot run here
 */
export function select(
  facts: ProblemFacts,
  capabilities: Capabilities,
  tuning?: Tuning,
): Selection {
  const forced = forcedPath(tuning);
  const packs = forced === 'decode' || forced === 'integers';
  const use: RowKind = packs || isDecode(facts) ? 'group' : 'head';
  const { dtype, kvDtype, headDim, headDimV, lengths, keys, selectedBlock, hooks } = facts;
  const types = { qType: dtype, kvType: kvDtype, ...(facts.vDtype && { vType: facts.vDtype }) };
  const problem = { ...types, headDim, headDimV, lengths, keys, selectedBlock, hooks };
  const modelsOf = (of?: TilePath): readonly TileConfig[] =>
    tileCandidates(use, capabilities, tileProblem(facts), of);
  const tuned =
    tuning && !forced ? tunedChoice(problemKey(facts, use), modelsOf, capabilities, tuning) : {};
  const { keepsStates, cascade } = facts;
  const needs = { ...problem, keepsStates, isSelected: selectedBlock > 0, pass: cascade };
  const cannot = (candidate: TileConfig): string | undefined =>
    cannotImplement({ ...needs, tile: candidate }, capabilities);
  const { name } = deviceClass(capabilities);
  const { tile, reason } = chooseTile(modelsOf(forced), forced, name, cannot, tuned);
  const isFew = use === 'group' || hasFewPositions(facts, tile);
  const isPacked = isFew || cascade === 'prefix' || packsGroups(facts, capabilities);
  const rows = facts.listRows ?? (isPacked ? 'group' : 'head');
  const splits = chooseSplits(facts, isFew, tile, capabilities, tuned);
  return {
    config: {
      ...problem,
      rows,
      ...(facts.sharedKv && sharesKv(tile) && { sharedKv: true }),
      ...(cascade && {
        cascade: {
          pass: cascade,
          sums: cascade === 'prefix' ? sumsPerRow(tile) : facts.prefixSums,
        },
      }),
      tile,
    },
    use,
    splits,
    reason: `${isFew ? 'decode' : 'prefill'}, ${reason}, ${splits === 1 ? 'keys not split' : `keys in ${splits} splits`}`,
  };
}

/** Returns what the default tiles depend on: with a fixed `numSplits`, nothing but types, head dims and the ratio of heads. */
export function tileProblem(facts: ProblemFacts): TileProblem {
  const { dtype: qType, kvDtype: kvType, headDim, headDimV, numSplits } = facts;
  const { qHeads, kvHeads, lengths, seqlenQ, batch, listRows } = facts;
  const problem = { qType, kvType, headDim, headDimV };
  if (listRows) return { ...problem, isSelected: true, groupRows: rowsOfList(facts) };
  const positions = numSplits === 'auto' ? rowShapes[lengths].positions(seqlenQ, batch) : 1;
  return { ...problem, groupRows: (Math.ceil(positions) * qHeads) / kvHeads };
}

/** Returns the number of rows that share a list of selected keys. */
function rowsOfList({ listRows, qHeads, kvHeads }: ProblemFacts): number {
  return listRows === 'group' ? qHeads / kvHeads : 1;
}

function isDecode(facts: ProblemFacts): boolean {
  const { numSplits, qHeads, kvHeads, batch, seqlenQ, lengths, listRows } = facts;
  if (listRows) return rowsOfList(facts) <= DECODE_ROWS;
  if (numSplits !== 'auto') return numSplits > 1;
  const positions = Math.ceil(rowShapes[lengths].positions(seqlenQ, batch));
  return (positions * qHeads) / kvHeads <= DECODE_ROWS;
}

/**
 * Whether a tile of prefill has more rows than a head has positions. It then takes those of all query heads of a kv head, as with MLA,
 * whose 128 heads share their keys. A fixed `numSplits` leaves nothing to decide by but the heads: they must fill a tile at one position.
 */
function hasFewPositions(
  { numSplits, qHeads, kvHeads, batch, seqlenQ, lengths, listRows }: ProblemFacts,
  tile: TileConfig,
): boolean {
  const group = qHeads / kvHeads;
  if (listRows || !(group > 1)) return false;
  const { tileM } = tileShape(tile);
  if (numSplits !== 'auto') return group >= tileM;
  return Math.ceil(rowShapes[lengths].positions(seqlenQ, batch)) < tileM;
}

/**
 * Whether prefill takes all query heads of a kv head as rows of a tile, too. A tile has fewer positions then: fewer masked pairs,
 * and full tiles for short sequences. Masks by blocks may prune by head, and diagonals are kept for rows of one head.
 */
function packsGroups(
  { qHeads, kvHeads, hooks }: ProblemFacts,
  capabilities: Capabilities,
): boolean {
  const byHead = hasBlocks(hooks) || diagonalHooks(hooks.scores).length > 0;
  return deviceClass(capabilities).broadcasts && qHeads > kvHeads && !byHead;
}

function chooseSplits(
  facts: ProblemFacts,
  isFew: boolean,
  tile: TileConfig,
  capabilities: Capabilities,
  tuned: Tuned,
): number {
  const { numSplits, batch, maxSeqlenK, listRows, cascade } = facts;
  if (numSplits !== 'auto') return numSplits;
  if (!isFew && !listRows && cascade !== 'prefix') return 1;
  if (tuned.splits && tile === tuned.tile) return tuned.splits;
  const { tileM } = tileShape(tile);
  const { workgroups, keysPerSplit } = deviceClass(capabilities);
  const wanted = Math.ceil(workgroups / Math.max(1, batch * tilesOfSequence(facts, tileM)));
  return Math.max(1, Math.min(wanted, Math.floor(maxSeqlenK / keysPerSplit), MAX_SPLITS));
}

/** Returns the query tiles of a sequence, of all heads. */
function tilesOfSequence(facts: ProblemFacts, tileM: number): number {
  const { kvHeads, qHeads, batch, seqlenQ, lengths, listRows } = facts;
  const positions = Math.ceil(rowShapes[lengths].positions(seqlenQ, batch));
  if (listRows === 'head') return positions * qHeads;
  const group = qHeads / kvHeads;
  if (listRows) return positions * kvHeads * Math.ceil(group / tileM);
  return kvHeads * Math.ceil((positions * group) / tileM);
}

/** A selected backward kernel. */
interface GradientSelection {
  readonly tile: TileConfig;
  /** Explains the selection in one readable line. */
  readonly reason: string;
}

const gradientNames: Readonly<Record<GradientOf, string>> = {
  q: 'dq',
  kv: 'dk and dv',
  tables: 'gradients of tables',
};

/**
 * Selects the tile of a backward kernel from the tuning, else the default. With a fixed `numSplits` it uses no batch size and no
 * length.
 * @throws ValidationError the forced path does not exist
 * @throws UnsupportedError the forced path cannot run here
 */
export function selectBackward(
  facts: ProblemFacts,
  of: GradientOf,
  capabilities: Capabilities,
  tuning?: Tuning,
): GradientSelection {
  const forced = forcedPath(tuning);
  const path = forced && tilePaths[forced].hasBackward ? forced : undefined;
  const modelsOf = (one?: TilePath): readonly TileConfig[] =>
    tileCandidates(of, capabilities, tileProblem(facts), one);
  // Table gradients are not tuned: their tiles are already as much code as compiles, which leaves no choice.
  const tuned =
    tuning && !forced && of !== 'tables'
      ? tunedChoice(gradientKey(facts, of), modelsOf, capabilities, tuning)
      : {};
  const { dtype, kvDtype, headDim, headDimV, selectedBlock } = facts;
  const isSelected = selectedBlock > 0;
  const needs = { of, qType: dtype, kvType: kvDtype, headDim, headDimV, isSelected };
  const cannot = (tile: TileConfig): string | undefined =>
    cannotImplementGradient({ ...needs, tile }, capabilities);
  const { name } = deviceClass(capabilities);
  const { tile, reason } = chooseTile(modelsOf(path), path, name, cannot, tuned);
  return { tile, reason: `${gradientNames[of]}, ${reason}` };
}

/**
 * Returns the first tile that the device can run: the tuned one if there is one, then those of `tiles` in order.
 * @throws UnsupportedError no tile can run
 */
function chooseTile(
  tiles: readonly TileConfig[],
  forced: TilePath | undefined,
  className: string,
  cannot: (tile: TileConfig) => string | undefined,
  tuned: Pick<Tuned, 'tile' | 'note'> = {},
): { tile: TileConfig; reason: string } {
  const refused: [path: TilePath, reason: string][] = [];
  const refusals = (chosen?: TilePath): string[] =>
    refused.map(([path, reason]) => `not ${path === chosen ? 'larger ones' : path}: ${reason}`);
  const notes = tuned.note === undefined ? [] : [tuned.note];
  for (const tile of tuned.tile ? [tuned.tile, ...tiles] : tiles) {
    const reason = cannot(tile);
    if (reason === undefined) {
      const { tileM, tileN } = tileShape(tile);
      const isTuned = tile === tuned.tile;
      const byDefault = forced === undefined ? `default for class ${className}` : 'forced';
      const why = isTuned ? 'tuned' : byDefault;
      const chosen = `${why}: ${tile.path} tiles of ${tileM} × ${tileN}`;
      return { tile, reason: [...new Set([chosen, ...notes, ...refusals(tile.path)])].join('; ') };
    }
    if (tile === tuned.tile) notes.push(`not the tuned ${tile.path}: ${reason}`);
    else refused.push([tile.path, reason]);
  }
  const kernel = forced === undefined ? 'kernel' : `${forced} kernel`;
  const fix = forced === undefined ? 'Open the Gpu on another adapter' : 'Remove tuning.force';
  throw new UnsupportedError(
    `attention: no ${kernel} can run on this device; ${[...new Set(refusals())].join('; ')}. ${fix}.`,
  );
}

interface Known {
  readonly facts: ProblemFacts;
  readonly selection: Selection;
}

// The layers of a model repeat a few problems in turn.
const kept = 8;
const latest = new WeakMap<Gpu, Known[]>();

/** Returns the selection for a problem, cached for the latest problems per Gpu. */
export function knownSelection(gpu: Gpu, facts: ProblemFacts): Selection {
  let list = latest.get(gpu);
  if (!list) latest.set(gpu, (list = []));
  const known = list.find((one) => isSame(one.facts, facts));
  if (known) return known.selection;
  const selection = select(facts, gpu.capabilities, gpu.tuning);
  list.unshift({ facts, selection });
  list.length = Math.min(list.length, kept);
  return selection;
}

function isSame(a: ProblemFacts, b: ProblemFacts): boolean {
  const names = Object.keys(a) as (keyof ProblemFacts)[];
  return names.every((name) =>
    name === 'hooks' ? a.hooks.key === b.hooks.key : a[name] === b[name],
  );
}
