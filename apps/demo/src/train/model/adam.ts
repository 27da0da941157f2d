import {
  add,
  concat1d,
  div,
  keep,
  maximum,
  mul,
  type Rank,
  reshape,
  split,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor1d,
  type Tensor1D,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '../../transformer/model-config.ts';

const [BETA1, BETA2, EPSILON] = [0.9, 0.98, 1e-8];
const DECAY = 0.1;
const LARGEST_NORM = 1;

/** Adam's state on the host. */
export interface AdamState {
  readonly step: number;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/**
 * Adam with decoupled weight decay (arXiv 1711.05101) and clipping by the global gradient norm. It treats all weights as one vector.
 * TensorFlow.js's own Adam takes ten operations per weight, and its rate cannot change from step to step.
 */
export class Adam {
  readonly #shapes: readonly (readonly number[])[];
  /** [N], in the order of the weights, like `mean` and `variance`. */
  #values: Tensor1D;
  #mean: Tensor1D;
  #variance: Tensor1D;
  /** [N]: 1 for matrices, 0 for norms, which do not decay. */
  readonly #decays: Tensor1D;
  #step: number;

  constructor(weights: readonly Tensor[], state?: AdamState) {
    this.#shapes = weights.map(({ shape }) => shape);
    this.#values = tidy(() => flat(weights));
    const count = this.#values.size;
    this.#mean = state ? tensor1d(state.mean) : zeros([count]);
    this.#variance = state ? tensor1d(state.variance) : zeros([count]);
    const decays = this.#shapes.flatMap((shape) =>
      new Array<number>(sizeOf(shape)).fill(shape.length > 1 ? 1 : 0),
    );
    this.#decays = tensor1d(decays);
    this.#step = state?.step ?? 0;
  }

  /** Takes a step along the gradients; returns the new weights, which the caller disposes. */
  apply(gradients: readonly Tensor[], rate: number): Tensor[] {
    this.#step++;
    const before = [this.#values, this.#mean, this.#variance];
    const weights = tidy(() => {
      const gradient = clipped(flat(gradients));
      this.#mean = keep(blend(this.#mean, gradient, BETA1));
      this.#variance = keep(blend(this.#variance, square(gradient), BETA2));
      const mean = div(this.#mean, 1 - BETA1 ** this.#step);
      const deviation = sqrt(div(this.#variance, 1 - BETA2 ** this.#step));
      const decay = mul(mul(this.#values, this.#decays), DECAY);
      const direction = add(div(mean, add(deviation, EPSILON)), decay);
      this.#values = keep(sub(this.#values, mul(direction, rate)));
      return this.#parts();
    });
    for (const old of before) old.dispose();
    return weights;
  }

  async state(): Promise<AdamState> {
    const [step, mean, variance] = [this.#step, this.#mean.data(), this.#variance.data()];
    return {
      step,
      mean: (await mean) as Float32Array,
      variance: (await variance) as Float32Array,
    };
  }

  dispose(): void {
    for (const x of [this.#values, this.#mean, this.#variance, this.#decays]) x.dispose();
  }

  #parts(): Tensor[] {
    const parts = split(this.#values, this.#shapes.map(sizeOf));
    return this.#shapes.map((shape, i) => reshape(parts[i]!, [...shape]));
  }
}

const flat = (tensors: readonly Tensor[]): Tensor1D =>
  concat1d(tensors.map((x) => reshape<Rank.R1>(x, [x.size])));

const blend = (old: Tensor1D, news: Tensor1D, beta: number): Tensor1D =>
  add(mul(old, beta), mul(news, 1 - beta));

/** Returns the gradient scaled down to LARGEST_NORM if its norm is larger. */
function clipped(gradient: Tensor1D): Tensor1D {
  const norm = sqrt(sum(square(gradient)));
  return mul(gradient, div(LARGEST_NORM, maximum(norm, LARGEST_NORM)));
}
