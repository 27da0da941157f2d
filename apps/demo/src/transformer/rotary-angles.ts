import {
  add,
  mul,
  reshape,
  reverse,
  type Tensor,
  tensor,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import type { ModelConfig } from './model-config.ts';

/** Cosines and sines by position, as heed's `append` and `rotate` take rotary tables. */
export interface RotaryAngles {
  /** [context, headDim / 2], row-major. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Returns the angles of all positions: p / theta^(2i / headDim) for pair i. Source: RoFormer (arXiv 2104.09864). */
export function rotaryAngles({ headDim, context, ropeTheta }: ModelConfig): RotaryAngles {
  const pairs = headDim / 2;
  const table = (fn: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: context * pairs }, (_, at) =>
      fn(Math.floor(at / pairs) * ropeTheta ** (-(at % pairs) / pairs)),
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** The angles of a list of tokens, in the layout of {@link rotate}. */
export interface TokenAngles {
  /** [T, 1, 1, headDim / 2] */
  readonly cos: Tensor;
  /** [T, 1, 2, headDim / 2]: −sin for the first half of a head, sin for the second. */
  readonly sin: Tensor;
}

/** Returns the angles of tokens at given positions; the caller disposes them. */
export function tokenAngles(
  { headDim }: ModelConfig,
  angles: RotaryAngles,
  positions: Int32Array,
): TokenAngles {
  const pairs = headDim / 2;
  const cos = new Float32Array(positions.length * pairs);
  const sin = new Float32Array(positions.length * headDim);
  for (const [t, position] of positions.entries()) {
    for (let i = 0; i < pairs; i++) {
      cos[t * pairs + i] = angles.cos[position * pairs + i]!;
      const s = angles.sin[position * pairs + i]!;
      sin[t * headDim + i] = -s;
      sin[t * headDim + pairs + i] = s;
    }
  }
  return {
    cos: tensor(cos, [positions.length, 1, 1, pairs]),
    sin: tensor(sin, [positions.length, 1, 2, pairs]),
  };
}

/**
 * Rotates queries or keys by their positions; pairs are (i, i + headDim / 2) as in GPT-NeoX and Llama. Differentiable.
 * @param x [T, H, headDim]
 */
export function rotate(x: Tensor3D, { cos, sin }: TokenAngles): Tensor3D {
  const [tokens, heads, dim] = x.shape;
  const halves = reshape(x, [tokens, heads, 2, dim / 2]);
  return reshape(add(mul(halves, cos), mul(reverse(halves, 2), sin)), x.shape);
}
