import { sections, wgsl } from '@heed/core/kernel';
import { allHooks, diagonalHooks, type ScoreHook, type VariantHooks } from '../hooks/contract.ts';

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

const modScore = (hooks: VariantHooks): string => wgsl`
  // From a dot product (of q already scaled) to a base-2 score.
  fn mod_score(${chainParameters(hooks)}) -> f32 {
    var score = dot_product;
    ${hooks.scores.map((hook) => `score = ${hookCall(hooks, 'score', hook)};`)}
    return select(MASKED, min(score, HIGHEST) * LOG2_E, score > SEEN);
  }
`;

/** The parameters of a function that goes through the score hooks: a pair, and the hooks' values for its diagonal. */
export function chainParameters({ scores }: VariantHooks): string {
  const diagonals = diagonalHooks(scores).map((_, i) => `diagonal${i}: f32`);
  return ['dot_product: f32', 'row: Row', 'key: i32', ...diagonals].join(', ');
}

/** The call of a hook's function in such a function. */
export function hookCall(
  { scores }: VariantHooks,
  of: 'score' | 'slope',
  { name }: ScoreHook,
): string {
  const i = diagonalHooks(scores).indexOf(name);
  return `${of}_${name}(score, row, key${i < 0 ? '' : `, diagonal${i}`})`;
}
