import { wgsl } from '@heed/core/kernel';
import { allHooks, type VariantHooks } from '../hooks/contract.ts';
import { sections } from './sections.ts';

/** The hooks of a variant, in order: q·k·scale → scores → masks. The result is a base-2 score, or MASKED. */
export function variantWgsl(hooks: VariantHooks): string {
  const { scores, masks } = hooks;
  const chain = wgsl`
    fn visible(row: Row, key: i32) -> bool {
      return ${['key < row.k_len', ...masks.map(({ name }) => `visible_${name}(row, key)`)].join(' && ')};
    }

    // From a dot product (of q already scaled) to what the softmax takes.
    fn final_score(dot_product: f32, row: Row, key: i32, tile_class: u32) -> f32 {
      var score = dot_product;
      ${scores.map(({ name }) => `score = score_${name}(score, row, key);`)}
      ${scores.length > 0 && 'score = select(MASKED, score * LOG2_E, score > SEEN);'}
      if (tile_class == PARTIAL) {
        score = select(MASKED, score, visible(row, key));
      }
      return score;
    }

    // Without score hooks the base change is folded into q.
    fn q_scale() -> f32 {
      return params.scale${scores.length === 0 ? ' * LOG2_E' : ''};
    }
  `;
  return sections(...allHooks(hooks).map((hook) => hook.wgsl), chain);
}
