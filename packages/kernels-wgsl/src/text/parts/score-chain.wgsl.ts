import { sections, wgsl } from '@heed/core/kernel';
import {
  allHooks,
  diagonalHooks,
  hasScoreDerivatives,
  isLong,
  type ScoreHook,
  type VariantHooks,
} from './hook.ts';
import type { KernelPart } from './kernel-parts.ts';
import { u32Fields } from './params.ts';

/**
 * Applies the hooks of a variant in order: q·k·scale → scores → masks. The result is a base-2 score, or MASKED.
 * @param isSelected whether keys come from a list, in which −1 is none
 */
export function variantPart(hooks: VariantHooks, isSelected = false): KernelPart {
  const { scores, masks } = hooks;
  const shown = masks.map(({ name }) => `visible_${name}(row, key)`);
  const inside = isSelected ? 'key >= 0' : 'key < row.k_len';
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
  const all = allHooks(hooks);
  return {
    fields: [{ name: 'scale', type: 'f32' }, ...all.flatMap((hook) => hook.params)],
    text: sections(...all.map((hook) => hook.wgsl), scores.length > 0 && modScore(hooks), chain),
  };
}

const modScore = (hooks: VariantHooks): string => wgsl`
  // From a dot product (of q already scaled) to a base-2 score.
  fn mod_score(${chainParameters(hooks)}) -> f32 {
    var score = dot_product;
    ${hooks.scores.map((hook) => `score = ${hookCall(hooks, 'score', hook)};`)}
    return select(MASKED, min(score, HIGHEST) * LOG2_E, score > SEEN);
  }
`;

/** Returns the parameters of a function that applies the score hooks: a pair, and the hooks' values for its diagonal. */
function chainParameters({ scores }: VariantHooks): string {
  const diagonals = diagonalHooks(scores).map((_, i) => `diagonal${i}: f32`);
  return ['dot_product: f32', 'row: Row', 'key: i32', ...diagonals].join(', ');
}

/** Returns the call of a hook's function within such a function. */
function hookCall(
  { scores }: VariantHooks,
  of: 'score' | 'score_derivative',
  { name }: ScoreHook,
): string {
  const i = diagonalHooks(scores).indexOf(name);
  return `${of}_${name}(score, row, key${i < 0 ? '' : `, diagonal${i}`})`;
}

/** One score of a tile in a thread's registers: its name, its row, its key (i32). */
export interface TileScore {
  readonly score: string;
  /** Where gradients are computed: the name of d(score) / d(dot product). */
  readonly scoreDerivative: string;
  readonly row: string;
  readonly key: string;
  /** Names of the hooks' values for the score's diagonal, if a thread keeps them. */
  readonly diagonals?: readonly string[];
}

/** Repeats a statement for every score that a thread holds; with `isLong`, a loop is better than repetition. */
export type EachScore = (statement: (score: TileScore) => string, isLong: boolean) => string;

interface ScoreOptions {
  /** Also computes derivatives; default false. */
  readonly withDerivatives?: boolean;
  /** Every score has its `diagonals`; default false: each score computes them, which is long. */
  readonly keepsDiagonals?: boolean;
}

/** Turns dot products into softmax inputs: applies score hooks in all tiles, masks in PARTIAL tiles only. */
export function tileScores(
  hooks: VariantHooks,
  each: EachScore,
  { withDerivatives = false, keepsDiagonals = false }: ScoreOptions = {},
): string {
  const { scores, masks } = hooks;
  const names = diagonalHooks(scores);
  const change = (one: TileScore): string => {
    const {
      score,
      scoreDerivative,
      row,
      key,
      diagonals = names.map((name) => diagonalAt(name, one)),
    } = one;
    const pair = [score, row, key, ...diagonals].join(', ');
    return wgsl`
      ${withDerivatives && hasScoreDerivatives(hooks) && `${scoreDerivative} = mod_score_derivative(${pair});`}
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

/**
 * Computes the gradient of one pair, as in FlashAttention-2. P is recomputed from the score and the row states of the
 * forward pass, in the forward's own arithmetic; dScore = P·(dP − delta) is then multiplied by the derivatives of the score
 * hooks. Needs softmaxWgsl('two') and variantPart.
 */
export function gradientPart(hooks: VariantHooks): KernelPart {
  const gradients = hooks.scores.flatMap(({ gradient }) => gradient ?? []);
  const text = sections(
    ...gradients.map((gradient) => gradient.wgsl),
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

      // Weights above this are 1 but for rounding.
      const ALL_WEIGHT = 0.9999998;

      // With respect to q·k·scale. \`score_derivative\` is d(score) / d(q·k·scale). A masked pair has no gradient, whatever it is. Nor has
      // the only key of a row, unless lse has one: dP is delta, but its last digits differ where it is summed in another order.
      fn pair_gradient(weight: f32, d_weight: f32, delta: f32, score_derivative: f32) -> f32 {
        let is_varied = (weight > 0.0) & ((weight < ALL_WEIGHT) | (params.has_dlse != 0u));
        return select(0.0, weight * (d_weight - delta) * score_derivative, is_varied);
      }
    `,
    hasScoreDerivatives(hooks) && scoreDerivatives(hooks),
  );
  const own = gradients.flatMap((gradient) => gradient.params);
  return { fields: [...u32Fields('state_plane', 'has_dlse'), ...own], text };
}

const scoreDerivatives = (hooks: VariantHooks): string => wgsl`
  // d(mod_score in natural units) / d(dot product), by the chain rule.
  fn mod_score_derivative(${chainParameters(hooks)}) -> f32 {
    var score = dot_product;
    var score_derivative = 1.0;
    ${hooks.scores.map(
      (hook) => wgsl`
        score_derivative *= ${hookCall(hooks, 'score_derivative', hook)};
        score = ${hookCall(hooks, 'score', hook)};
      `,
    )}
    return score_derivative;
  }
`;

/**
 * Declares `chain_<name>(dot_product, row, key)`: the score that a hook takes, and the derivative of the final score with respect to
 * the hook's result.
 */
export function chainOf({ scores }: VariantHooks, hook: ScoreHook): string {
  const at = scores.indexOf(hook);
  const call = (of: 'score' | 'score_derivative', { name, hasDiagonal }: ScoreHook): string =>
    `${of}_${name}(score, row, key${hasDiagonal ? `, diagonal_${name}(row, row.query - key)` : ''})`;
  const later = scores.slice(at + 1);
  return wgsl`
    fn chain_${hook.name}(dot_product: f32, row: Row, key: i32) -> vec2<f32> {
      ${later.length > 0 || at > 0 ? 'var' : 'let'} score = dot_product;
      ${scores.slice(0, at).map((before) => `score = ${call('score', before)};`)}
      let own = score;
      var follows = 1.0;
      ${later.map((after, i) => [
        `score = ${call('score', scores[at + i]!)};`,
        `follows *= ${call('score_derivative', after)};`,
      ])}
      return vec2<f32>(own, follows);
    }
  `;
}
