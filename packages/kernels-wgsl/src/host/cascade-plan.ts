import { fail, knownList, SharedPrefixes, show } from '@heed/core/kernel';
import type { ProblemFacts } from '../select/problem-facts.ts';
import { knownSelection, type Selection } from '../select/selection.ts';
import { MOST_ROWS, stateWords, TILE_WORDS } from '../text/parts/cascade.wgsl.ts';
import { allHooks, hasBlocks } from '../text/parts/hook.ts';
import { tileShape } from '../text/tiles/tile-paths.ts';
import { type Call } from './attention-call.ts';
import { groupSize } from './launch-values.ts';

/** A call in two passes: over the keys that sequences share, then over each sequence's own. */
export interface Cascade {
  readonly prefix: Selection;
  readonly suffix: Selection;
  /** Tiles of the prefix pass, per kv head and split. */
  readonly tiles: number;
  /** The tiles, then the rows of the groups: see `prefixWork`. */
  readonly rows: Int32Array;
  /** Keys of each sequence that the prefix pass reads; 0 for a sequence of no group. */
  readonly shared: Int32Array;
  /** Words of all states, after one word per sequence. */
  readonly words: number;
}

/** Sequences that share their first keys. */
interface SharingRows {
  readonly members: readonly number[];
  readonly keys: number;
}

/**
 * The rule. Two passes cost a launch and a state per row more than one, so at least this many keys must be saved, and this share
 * of all keys that one pass reads.
 */
const LEAST_KEYS = 1024;
const LEAST_SHARE = 0.25;

/**
 * Returns why no call of these facts is taken in two passes; undefined if some may be.
 * @param forced the path that the tuning forces, if any
 */
export function cannotCascade(
  facts: ProblemFacts,
  { config }: Selection,
  forced: string | undefined,
): string | undefined {
  const { keys, numSplits, keepsStates, selectedBlock, hooks } = facts;
  if (keys !== 'paged') return 'keys are not in pages';
  if (keepsStates) return 'a gradient follows';
  if (selectedBlock > 0) return 'selectedKeys names the keys of each row';
  if (hooks.drop) return 'dropout has its own pairs for each sequence';
  if (hasBlocks(hooks)) return 'the blocks of a BlockMask belong to one sequence';
  if (allHooks(hooks).some(({ wgsl }) => wgsl.includes('row.batch'))) return 'a mod reads b';
  if (forced === 'matrix') return 'the matrix path, which is forced, cannot go on from sums';
  if (numSplits === 'auto') return undefined;
  if (numSplits !== 1) return 'a fixed numSplits above 1 merges in its own order';
  const { path } = config.tile;
  return path === 'portable' || path === 'subgroup'
    ? undefined
    : `with numSplits 1 the ${path} path cannot go on from sums`;
}

/** Returns the passes of a call over a view, if its sequences share enough keys. */
export function cascadeOf(
  call: Call,
  facts: ProblemFacts,
  selection: Selection,
): Cascade | undefined {
  const { fn, gpu, view, given, options, batch } = call;
  const found = view?.cascade;
  if (found === undefined || options.cascade === false) return undefined;
  if (!(found instanceof SharedPrefixes)) {
    const fix = 'Pass the view as the cache made it.';
    fail(fn, 'view.cascade must be what the cache found', show(found), fix);
  }
  if (found.groups.length === 0 || view!.window !== undefined) return undefined;
  if (cannotCascade(facts, selection, gpu.tuning?.force?.path) !== undefined) return undefined;
  const [begins, used] = [knownList(given.cuQ), knownList(given.used)];
  if (!begins || !used || begins.length !== batch + 1) return undefined;
  const groups = groupsWithRows(found, call.pageSize, begins, used);
  let [saved, all] = [0, 0];
  for (const { members, keys } of groups) saved += (members.length - 1) * keys;
  if (saved < LEAST_KEYS) return undefined;
  for (const keys of used) all += keys;
  if (saved < LEAST_SHARE * all || passesWindow(call, used)) return undefined;
  return makeCascade(call, facts, groups, begins, used);
}

/** Returns the groups without members that have no rows, or too many for their keys to be shared with profit. */
function groupsWithRows(
  { groups }: SharedPrefixes,
  pageSize: number,
  begins: Int32Array,
  used: Int32Array,
): SharingRows[] {
  return groups.flatMap((group) => {
    const members = group.members.filter((b) => {
      const rows = begins[b + 1]! - begins[b]!;
      return rows >= 1 && rows <= MOST_ROWS;
    });
    const keys = members.reduce((fewest, b) => Math.min(fewest, used[b]!), group.pages * pageSize);
    return members.length >= 2 ? [{ members, keys }] : [];
  });
}

/** Whether the call's window hides keys that the longest sequence shares. */
function passesWindow({ options: { window } }: Call, used: Int32Array): boolean {
  const [left, right] = window ?? [-1, -1];
  if (left < 0 && right < 0) return false;
  const longest = used.reduce((most, keys) => Math.max(most, keys), 0);
  return left >= 0 && left < longest;
}

/** Returns the passes of a call, whether they pay or not. Undefined if no group shares a whole tile, or states do not fit. */
function makeCascade(
  call: Call,
  facts: ProblemFacts,
  groups: readonly SharingRows[],
  begins: Int32Array,
  used: Int32Array,
): Cascade | undefined {
  const { gpu, seqlenQ, qHeads, headDimV, batch } = call;
  const { prefix, suffix } = selections(call, facts);
  const { tileM, tileN } = tileShape(prefix.config.tile);
  const step = commonMultiple(tileN, tileShape(suffix.config.tile).tileN);
  const shared = new Int32Array(batch);
  const [tiles, list]: [number[][], number[]] = [[], []];
  const perPosition = groupSize(call);
  for (const group of groups) {
    const keys = group.keys - (group.keys % step);
    if (keys === 0) continue;
    const first = list.length;
    const positions: number[] = [];
    for (const b of group.members) {
      shared[b] = keys;
      const count = begins[b + 1]! - begins[b]!;
      const shift = call.options.align === 'start' ? 0 : used[b]! - count;
      for (let row = 0; row < count; row++) {
        list.push(b * MOST_ROWS + row);
        positions.push(row + shift);
      }
    }
    const rows = positions.length * perPosition;
    for (let row = 0; row < rows; row += tileM) {
      const last = Math.floor((Math.min(row + tileM, rows) - 1) / perPosition);
      const own = positions.slice(Math.floor(row / perPosition), last + 1);
      tiles.push([group.members[0]!, keys, first, positions.length, row, least(own), most(own)]);
    }
  }
  if (tiles.length === 0) return undefined;
  const rows = new Int32Array(tiles.length * TILE_WORDS + list.length);
  tiles.forEach((tile, i) => {
    tile[2]! += tiles.length * TILE_WORDS;
    rows.set(tile, i * TILE_WORDS);
  });
  rows.set(list, tiles.length * TILE_WORDS);
  const { sums } = prefix.config.cascade!;
  const words = batch + prefix.splits * seqlenQ * qHeads * stateWords(sums, headDimV);
  if (4 * words > gpu.device.limits.maxStorageBufferBindingSize) return undefined;
  return { prefix, suffix, tiles: tiles.length, rows, shared, words };
}

/** Returns the passes of a call whose sequences all share their first keys, for the kernels that they would launch. */
export function sampleCascade(call: Call, facts: ProblemFacts): Cascade | undefined {
  const [begins, used] = [knownList(call.given.cuQ)!, knownList(call.given.used)!];
  const members = Array.from({ length: call.batch }, (_, b) => b);
  return makeCascade(call, facts, [{ members, keys: SAMPLE_KEYS }], begins, used);
}

/** A multiple of the keys of every tile. */
const SAMPLE_KEYS = 2 ** 16;

/** Explains when calls are taken in two passes, in one readable line. */
export const explainCascade = ({ prefix, suffix }: Cascade): string =>
  `cascade, over views where it saves ${LEAST_KEYS} keys and ${LEAST_SHARE * 100} % of all; shared keys: ${prefix.reason}; own keys: ${suffix.reason}`;

const least = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.min(a, b));
const most = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.max(a, b));

function commonMultiple(a: number, b: number): number {
  let step = a;
  while (step % b !== 0) step += a;
  return step;
}

// A suffix pass has as many splits as the prefix pass, since each goes on from one of its states.
const withSplits = new WeakMap<Selection, Map<number, Selection>>();

/** Selects both passes. With numSplits 1 both have the tile of a single pass, and so its bits. */
function selections(
  { gpu, seqlenQ, maxSeqlenK }: Call,
  facts: ProblemFacts,
): Pick<Cascade, 'prefix' | 'suffix'> {
  // In size classes, so that a cache of selections serves the steps of a decode.
  const prefix = knownSelection(gpu, {
    ...facts,
    batch: 1,
    seqlenQ: sizeClass(seqlenQ),
    maxSeqlenK: sizeClass(maxSeqlenK),
    cascade: 'prefix',
  });
  const { sums } = prefix.config.cascade!;
  const suffix = knownSelection(gpu, {
    ...facts,
    maxSeqlenK: sizeClass(maxSeqlenK),
    cascade: 'suffix',
    prefixSums: sums,
  });
  let known = withSplits.get(suffix);
  if (!known) withSplits.set(suffix, (known = new Map()));
  let same = known.get(prefix.splits);
  if (!same) known.set(prefix.splits, (same = { ...suffix, splits: prefix.splits }));
  return { prefix, suffix: same };
}

const sizeClass = (size: number): number => 2 ** Math.ceil(Math.log2(Math.max(size, 1)));
