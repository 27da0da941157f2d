import { wgsl } from '@heed/core/kernel';
import type { Hook, VariantHooks } from '../hooks/contract.ts';

/** One score of a tile as a thread holds it: what it is called, its row, its key (i32). */
export interface TileScore {
  readonly score: string;
  readonly row: string;
  readonly key: string;
}

/** Repeats a statement for every score that a thread holds; `isLong` says that it is better not to. */
export type EachScore = (statement: (score: TileScore) => string, isLong: boolean) => string;

/** From dot products to what the softmax takes: score hooks everywhere, masks in PARTIAL tiles only. */
export function tileScores({ scores, masks }: VariantHooks, each: EachScore): string {
  const call = (name: string, hooks: readonly Hook[]): string =>
    each(
      ({ score, row, key }) => `${score} = ${name}(${score}, ${row}, ${key});`,
      hooks.some((hook) => hook.isLong),
    );
  return wgsl`
    ${scores.length > 0 && call('mod_score', scores)}
    if (tile_class == PARTIAL) {
      ${call('masked_score', masks)}
    }
  `;
}
