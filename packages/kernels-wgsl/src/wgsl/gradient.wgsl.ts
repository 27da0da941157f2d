import { sections, wgsl } from '@heed/core/kernel';
import { hasSlopes, type VariantHooks } from '../hooks/contract.ts';
import { chainParameters, hookCall } from './variant.wgsl.ts';

/**
 * The gradient of one pair, from FlashAttention-2: P is computed again from the score and
 * what the forward pass kept of the row, in the forward's own arithmetic, and
 * dScore = P·(dP − delta), taken back through the score hooks. Needs softmaxWgsl('two') and variantWgsl.
 */
export function gradientWgsl(hooks: VariantHooks): string {
  return sections(
    wgsl`
      // What is known of a row: its largest score, 1 / its sum (0 for an empty row), and delta = rowsum(dOut∘out) − dLse.
      struct RowState {
        row_max: f32,
        norm: f32,
        delta: f32,
      }

      // No row: every weight is 0.
      const NO_ROW = RowState(0.0, 0.0, 0.0);

      fn row_state(row: Row) -> RowState {
        let at = lse_index(row, 0u);
        return RowState(
          bitcast<f32>(metadata[at]),
          bitcast<f32>(metadata[at + params.state_plane]),
          bitcast<f32>(metadata[at + 2u * params.state_plane]),
        );
      }

      // P again, as the forward pass had it: for that, a final score must have the bits that it had there.
      fn pair_weight(score: f32, row_max: f32, norm: f32) -> f32 {
        return softmax_weight(select(MASKED, score, norm > 0.0), row_max) * norm;
      }

      // By q·k·scale, of which \`slope\` is the score's derivative. A masked pair has no gradient, whatever its slope.
      fn pair_gradient(weight: f32, d_weight: f32, delta: f32, slope: f32) -> f32 {
        return select(0.0, weight * (d_weight - delta) * slope, weight > 0.0);
      }
    `,
    hasSlopes(hooks) && slopes(hooks),
  );
}

const slopes = (hooks: VariantHooks): string => wgsl`
  // d(mod_score in natural units) / d(dot product), by the chain rule.
  fn mod_slope(${chainParameters(hooks)}) -> f32 {
    var score = dot_product;
    var slope = 1.0;
    ${hooks.scores.map(
      (hook) => wgsl`
        slope *= ${hookCall(hooks, 'slope', hook)};
        score = ${hookCall(hooks, 'score', hook)};
      `,
    )}
    return slope;
  }
`;
