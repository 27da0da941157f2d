import type { Capabilities, Tuning } from '@heed/core';
import type { GradientOf } from '../config/backward.ts';
import { tileCannot } from '../tiles/compute.ts';
import type { GradientTile } from '../tiles/tile.ts';
import { chooseTile } from './choose-tile.ts';
import type { ProblemFacts } from './problem.ts';
import { gradientKey } from './problem-key.ts';
import { backwardCandidates } from './tile-table.ts';
import { tunedChoice } from './tuned.ts';

/** The choice of a backward kernel. */
export interface GradientSelection {
  readonly tile: GradientTile;
  /** Why this kernel, in one line a person can read. */
  readonly reason: string;
}

const gradientNames: Readonly<Record<GradientOf, string>> = {
  q: 'dq',
  kv: 'dk and dv',
  tables: 'gradients of tables',
};

/**
 * Chooses the tile of a backward kernel: that of the tuning, else the default. With a fixed `numSplits` it looks at no batch size
 * and no length.
 * @throws UnsupportedError the forced path cannot run here
 */
export function selectBackward(
  facts: ProblemFacts,
  of: GradientOf,
  capabilities: Capabilities,
  tuning?: Tuning,
): GradientSelection {
  const forced = tuning?.force?.path;
  const path = forced === 'decode' || forced === 'matrix' ? undefined : forced;
  const modelsOf = (one: GradientTile['path'] | undefined): readonly GradientTile[] =>
    backwardCandidates(of, capabilities, one);
  // What tables have is as much text as compiles at all: there is nothing to choose from.
  const tuned =
    tuning && !forced && of !== 'tables'
      ? tunedChoice(gradientKey(facts, of), modelsOf, capabilities, tuning)
      : {};
  const cannot = (tile: GradientTile): string | undefined =>
    tileCannot(tile, capabilities, 'gradient');
  const { tile, reason } = chooseTile(modelsOf(path), path, cannot, tuned);
  return { tile, reason: `${gradientNames[of]}, ${reason}` };
}
