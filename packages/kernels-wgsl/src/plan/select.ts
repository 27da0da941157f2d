import type { Capabilities, Tuning } from '@heed/core';
import type { ForwardConfig, RowKind } from '../config/forward.ts';
import { cannotImplement, tileShape } from '../tiles/compute.ts';
import type { TileConfig, TilePath } from '../tiles/tile.ts';
import { chooseTile } from './choose-tile.ts';
import type { ProblemFacts } from './problem.ts';
import { problemKey } from './problem-key.ts';
import { candidates, isSoftware } from './tile-table.ts';
import { type Tuned, tunedChoice } from './tuned.ts';

/** A kernel choice: everything of a config that does not depend on how tensors lie in memory. */
export interface Selection {
  readonly config: Omit<ForwardConfig, 'read' | 'write' | 'outType'>;
  readonly splits: number;
  /** Why this kernel, in one line a person can read. */
  readonly reason: string;
}

// With 'auto', this many rows of a group or fewer are worth packing into one tile.
const DECODE_ROWS = 16;
// A split shorter than this does not pay for its merge.
const MIN_KEYS_PER_SPLIT = 256;

/**
 * Chooses path, tiles and splits: those of the tuning, else the defaults. With a fixed `numSplits` it looks only at dtypes,
 * head dims, hooks, head ratio and `numSplits`, never at a batch size or a length: that is what makes results batch-invariant.
 * @throws UnsupportedError the forced path cannot run here
 */
export function select(
  facts: ProblemFacts,
  capabilities: Capabilities,
  tuning?: Tuning,
): Selection {
  const forced = tuning?.force?.path;
  const rows: RowKind = forced === 'decode' || isDecode(facts) ? 'group' : 'head';
  const path = forced === 'decode' ? undefined : forced;
  const { dtype, kvDtype, headDim, headDimV, lengths, keys, hooks } = facts;
  const types = { qType: dtype, kvType: kvDtype };
  const problem = { ...types, headDim, headDimV, lengths, keys, rows, hooks };
  const modelsOf = (of: TilePath): readonly TileConfig[] => candidates(rows, capabilities, of);
  const tuned =
    tuning && !forced ? tunedChoice(problemKey(facts, rows), modelsOf, capabilities, tuning) : {};
  const cannot = (candidate: TileConfig): string | undefined =>
    cannotImplement({ ...problem, tile: candidate }, capabilities);
  const { tile, reason } = chooseTile(candidates(rows, capabilities, path), path, cannot, tuned);
  const splits = chooseSplits(facts, rows, tile, capabilities, tuned);
  return {
    config: { ...problem, tile },
    splits,
    reason: `${rows === 'group' ? 'decode' : 'prefill'}, ${reason}, ${splits === 1 ? 'keys not split' : `keys in ${splits} splits`}`,
  };
}

function isDecode({ numSplits, qHeads, kvHeads, batch, seqlenQ, lengths }: ProblemFacts): boolean {
  if (numSplits !== 'auto') return numSplits > 1;
  const positions = lengths === 'dense' ? seqlenQ : Math.ceil(seqlenQ / Math.max(batch, 1));
  return (positions * qHeads) / kvHeads <= DECODE_ROWS;
}

function chooseSplits(
  { numSplits, kvHeads, qHeads, batch, seqlenQ, seqlenK, lengths }: ProblemFacts,
  rows: RowKind,
  tile: TileConfig,
  capabilities: Capabilities,
  tuned: Tuned,
): number {
  if (numSplits !== 'auto') return numSplits;
  if (rows === 'head') return 1;
  if (tuned.splits && tile === tuned.tile) return tuned.splits;
  const positions = (seqlenQ * qHeads) / kvHeads;
  const { tileM } = tileShape(tile);
  const tiles =
    lengths === 'dense'
      ? batch * Math.ceil(positions / tileM)
      : Math.floor(positions / tileM) + batch;
  const wanted = Math.ceil(parallelWorkgroups(capabilities) / Math.max(1, tiles * kvHeads));
  return Math.max(1, Math.min(wanted, Math.floor(seqlenK / MIN_KEYS_PER_SPLIT), 64));
}

/** Workgroups that keep a device of this class busy; WebGPU does not tell how many cores there are. */
function parallelWorkgroups(capabilities: Capabilities): number {
  return isSoftware(capabilities) ? 8 : 256;
}
