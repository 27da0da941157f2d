import { wgsl } from '@heed/core/kernel';
import { type Hook, hasSlopes, type VariantHooks } from '../hooks/contract.ts';

/** One score of a tile as a thread holds it: what it is called, its row, its key (i32). */
export interface TileScore {
  readonly score: string;
  /** Where gradients are computed: what the derivative of the score by its dot product is called. */
  readonly slope: string;
  readonly row: string;
  readonly key: string;
}

/** Repeats a statement for every score that a thread holds; `isLong` says that it is better not to. */
export type EachScore = (statement: (score: TileScore) => string, isLong: boolean) => string;

/** From dot products to what the softmax takes: score hooks everywhere, masks in PARTIAL tiles only. */
export function tileScores(hooks: VariantHooks, each: EachScore, withSlopes = false): string {
  const { scores, masks } = hooks;
  const isLong = (some: readonly Hook[]): boolean => some.some((hook) => hook.isLong);
  return wgsl`
    ${
      scores.length > 0 &&
      each(
        ({ score, slope, row, key }) => wgsl`
          ${withSlopes && hasSlopes(hooks) && `${slope} = mod_slope(${score}, ${row}, ${key});`}
          ${score} = mod_score(${score}, ${row}, ${key});
        `,
        isLong(scores),
      )
    }
    if (tile_class == PARTIAL) {
      ${each(
        ({ score, row, key }) => `${score} = masked_score(${score}, ${row}, ${key});`,
        isLong(masks),
      )}
    }
  `;
}
