import { sections, wgsl } from '@heed/core/kernel';
import { hasSlopes, type VariantHooks } from '../hooks/contract.ts';
import { chainParameters, hookCall } from './variant.wgsl.ts';

/**
 * The gradient of one pair, from FlashAttention-2: P is computed again from the score and the row's lse, and
 * dScore = P·(dP − delta), taken back through the score hooks. Needs softmaxWgsl('two') and variantWgsl.
 */
export function gradientWgsl(hooks: VariantHooks): string {
  return sections(
    wgsl`
      // What the forward pass left of a row: base-2 lse (MASKED for an empty row), and delta = rowsum(dOut∘out) − dLse.
      struct RowState {
        lse: f32,
        delta: f32,
      }

      fn row_state(row: Row) -> RowState {
        let at = lse_index(row, 0u);
        return RowState(softmax_score(u32(metadata[at])), bitcast<f32>(metadata[at + params.delta]));
      }

      // P again, from a final score and its row's lse.
      fn pair_weight(score: f32, lse: f32) -> f32 {
        return select(0.0, exp2(max(score - lse, -150.0)), (score > SEEN) & (lse > SEEN));
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
