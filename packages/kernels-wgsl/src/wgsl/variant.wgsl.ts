import { sections, wgsl } from '@heed/core/kernel';
import { allHooks, type VariantHooks } from '../hooks/contract.ts';

/** The hooks of a variant, in order: q·k·scale → scores → masks. The result is a base-2 score, or MASKED. */
export function variantWgsl(hooks: VariantHooks): string {
  const { scores, masks } = hooks;
  const shown = masks.map(({ name }) => `visible_${name}(row, key)`);
  const inside = 'key < row.k_len';
  const visible = shown.length > 0 ? [`(${inside})`, ...shown].join(' & ') : inside;
  const chain = wgsl`
    // What the softmax takes in a PARTIAL tile. Without branches, which \`&&\` would be: some compilers never get through them.
    fn masked_score(score: f32, row: Row, key: i32) -> f32 {
      return select(MASKED, score, ${visible});
    }

    // Without score hooks the base change is folded into q.
    fn q_scale() -> f32 {
      return params.scale${scores.length === 0 ? ' * LOG2_E' : ''};
    }
  `;
  const texts = allHooks(hooks).map((hook) => hook.wgsl);
  return sections(...texts, scores.length > 0 && modScore(hooks), chain);
}

const modScore = ({ scores }: VariantHooks): string => wgsl`
  // From a dot product (of q already scaled) to a base-2 score.
  fn mod_score(dot_product: f32, row: Row, key: i32) -> f32 {
    var score = dot_product;
    ${scores.map(({ name }) => `score = score_${name}(score, row, key);`)}
    return select(MASKED, score * LOG2_E, score > SEEN);
  }
`;
