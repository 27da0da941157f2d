import { sections, wgsl } from '@heed/core/kernel';
import { keepScale } from './dropped-weights.wgsl.ts';
import type { VariantHooks } from './hook.ts';
import type { KernelPart } from './kernel-parts.ts';
import { u32Fields } from './params.ts';

/** Base of the exponential: two (scores × LOG2_E, folded into q) or e. */
type ScoreBase = 'two' | 'e';

/** −∞. */
export const infinityBits = 'const NEGATIVE_INFINITY_BITS = 0xff800000u;';

/**
 * The online softmax. Only this module handles −∞, empty rows and NaN.
 *
 * WGSL may assume that there are no infinities, and adapters differ where there are. A masked score is therefore a finite
 * sentinel, and infinities are made and compared only as bits.
 */
export function softmaxWgsl(base: ScoreBase): string {
  const difference = base === 'two' ? 'score - row_max' : '(score - row_max) * LOG2_E';
  const toNatural = base === 'two' ? ' * LN_2' : '';
  const fromNatural = base === 'two' ? ' * LOG2_E' : '';
  return wgsl`
    const LOG2_E = 1.4426950408889634;
    const LN_2 = 0.6931471805599453;
    const MASKED = -3.0e38;
    // Anything at or below counts as masked.
    const SEEN = -1.0e30;
    // The largest that a hook can make of a score: what is above would overflow in the change of base, and hide its pair.
    const HIGHEST = 1.0e38;
    ${infinityBits}

    struct Softmax {
      // The score to which the sum and the weights are relative.
      row_max: f32,
      row_sum: f32,
      // The row's maximum before its sink, once the row is finished.
      key_max: f32,
    }

    fn softmax_init() -> Softmax {
      return Softmax(MASKED, 0.0, MASKED);
    }

    // 0 for masked scores. Clamped, since adapters disagree on exp2 of what is far below the range.
    fn softmax_weight(score: f32, row_max: f32) -> f32 {
      return select(0.0, exp2(max(${difference}, -150.0)), score > SEEN);
    }

    // Takes in a tile's maximum; returns what earlier sums and accumulators must be multiplied by.
    fn softmax_rescale(state: ptr<function, Softmax>, tile_max: f32) -> f32 {
      let row_max = max((*state).row_max, tile_max);
      let factor = softmax_weight((*state).row_max, row_max);
      (*state).row_max = row_max;
      (*state).row_sum *= factor;
      return factor;
    }

    // An extra logit that has no value row: it only enlarges the sum. Returns the factor for the accumulator.
    fn softmax_sink(state: ptr<function, Softmax>, logit: f32) -> f32 {
      let factor = softmax_rescale(state, logit);
      (*state).row_sum += softmax_weight(logit, (*state).row_max);
      return factor;
    }

    // What the accumulator is multiplied by in the end; an empty row becomes 0.
    fn softmax_norm(state: Softmax) -> f32 {
      return select(0.0, 1.0 / max(state.row_sum, 1.0e-37), state.row_sum > 0.0);
    }

    // Natural log of the sum of exp of the natural scores, as bits.
    fn softmax_lse_bits(state: Softmax) -> u32 {
      let lse = state.row_max${toNatural} + log2(max(state.row_sum, 1.0e-37)) * LN_2;
      return select(NEGATIVE_INFINITY_BITS, bitcast<u32>(lse), state.row_sum > 0.0);
    }

    // A score from the bits of a natural one, −∞ becoming MASKED.
    fn softmax_score(bits: u32) -> f32 {
      return select(max(bitcast<f32>(bits)${fromNatural}, MASKED), MASKED, bits == NEGATIVE_INFINITY_BITS);
    }
  `;
}

/**
 * Stores a row's results: its lse and, for a gradient, planes of its maximum and its sum. The weights cannot be recovered
 * from an lse in one word: if it is large, half an ulp of it is many ulps of a weight.
 */
export const storeStatePart: KernelPart = {
  fields: u32Fields('state_plane'),
  text: wgsl`
  fn store_state(state: Softmax, at: u32) {
    lse[at] = softmax_lse_bits(state);
    if (params.state_plane != 0u) {
      lse[at + params.state_plane] = bitcast<u32>(state.row_max);
      lse[at + 2u * params.state_plane] = bitcast<u32>(state.row_sum);
    }
  }
`,
};

/** Finishes a row before it is stored: adds the sink, once per row, and computes its log-sum-exp. */
export const epiloguePart = (hooks: VariantHooks): KernelPart => ({
  fields: [
    ...storeStatePart.fields,
    ...u32Fields('batch', 'sinks', 'sinks_head', 'write_lse', 'max_plane'),
  ],
  text: sections(
    storeStatePart.text,
    wgsl`
  // Adds the row's sink, if there are sinks: in the first split only, and to no row outside every sequence.
  // Returns the factor for the row's accumulator.
  fn apply_sink(state: ptr<function, Softmax>, row: Row, split: u32) -> f32 {
    (*state).key_max = max((*state).key_max, (*state).row_max);
    if (params.sinks == NONE || split > 0u || u32(row.batch) >= params.batch) {
      return 1.0;
    }
    let logit = softmax_score(captures[params.sinks + u32(row.head) * params.sinks_head]);
    return softmax_sink(state, logit);
  }

  // Returns what the row's accumulator is multiplied by in the end.
  fn finish_row(state: ptr<function, Softmax>, row: Row, split: u32) -> f32 {
    let factor = apply_sink(state, row, split);
    return factor * softmax_norm(*state)${keepScale(hooks)};
  }

  fn write_lse(state: Softmax, row: Row, split: u32) {
    if (params.write_lse != 0u) {
      let at = lse_index(row, split);
      store_state(state, at);
      if (params.max_plane != 0u) {
        let natural = bitcast<u32>(state.key_max * LN_2);
        lse[at + params.max_plane] = select(NEGATIVE_INFINITY_BITS, natural, state.key_max > SEEN);
      }
    }
  }
`,
  ),
});
