import { wgsl } from '@heed/core/kernel';
import { diagonalHooks, hasSlopes, isLong, type VariantHooks } from '../hooks/contract.ts';

/** One score of a tile as a thread holds it: what it is called, its row, its key (i32). */
export interface TileScore {
  readonly score: string;
  /** Where gradients are computed: what the derivative of the score by its dot product is called. */
  readonly slope: string;
  readonly row: string;
  readonly key: string;
  /** What the hooks' values for the score's diagonal are called, where a thread keeps them. */
  readonly diagonals?: readonly string[];
}

/** Repeats a statement for every score that a thread holds; `isLong` says that it is better not to. */
export type EachScore = (statement: (score: TileScore) => string, isLong: boolean) => string;

interface ScoreOptions {
  /** Slopes are wanted too; default false. */
  readonly withSlopes?: boolean;
  /** Every score has its `diagonals`; default false: it computes them, which is long. */
  readonly keepsDiagonals?: boolean;
}

/** From dot products to what the softmax takes: score hooks everywhere, masks in PARTIAL tiles only. */
export function tileScores(
  hooks: VariantHooks,
  each: EachScore,
  { withSlopes = false, keepsDiagonals = false }: ScoreOptions = {},
): string {
  const { scores, masks } = hooks;
  const names = diagonalHooks(scores);
  const change = (one: TileScore): string => {
    const { score, slope, row, key, diagonals = names.map((name) => diagonalAt(name, one)) } = one;
    const pair = [score, row, key, ...diagonals].join(', ');
    return wgsl`
      ${withSlopes && hasSlopes(hooks) && `${slope} = mod_slope(${pair});`}
      ${score} = mod_score(${pair});
    `;
  };
  return wgsl`
    ${scores.length > 0 && each(change, isLong(scores) || (names.length > 0 && !keepsDiagonals))}
    if (tile_class == PARTIAL) {
      ${each(
        ({ score, row, key }) => `${score} = masked_score(${score}, ${row}, ${key});`,
        isLong(masks),
      )}
    }
  `;
}

const diagonalAt = (hook: string, { row, key }: TileScore): string =>
  `diagonal_${hook}(${row}, ${row}.query - (${key}))`;
