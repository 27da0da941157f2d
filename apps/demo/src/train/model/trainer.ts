import {
  dispose,
  div,
  keep,
  type Scalar,
  type Tensor,
  tidy,
  valueAndGrads,
} from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import type { Batch } from '../../text/packing.ts';
import type { Model } from '../../transformer/language-model.ts';
import { type ModelConfig, weightShapes } from '../../transformer/model-config.ts';
import { type RotaryAngles, rotaryAngles } from '../../transformer/rotary-angles.ts';
import { disposeWeights, tensorsOf, type Weights } from '../../transformer/transformer-layers.ts';
import { Adam, type AdamState } from './adam.ts';
import {
  type Attend,
  type DeviceBatch,
  forward,
  lossSum,
  uploadBatch,
} from './training-forward.ts';

/** A model and its optimiser state on the host, to continue from after a lost device. */
export interface Snapshot {
  readonly model: Model;
  readonly adam: AdamState;
}

/** A model on the GPU that learns batch by batch. */
export class Trainer {
  readonly config: ModelConfig;
  readonly #angles: RotaryAngles;
  readonly #names: readonly string[];
  readonly #adam: Adam;
  #weights: Weights;

  constructor(model: Model, adam?: AdamState) {
    this.config = model.config;
    this.#angles = rotaryAngles(model.config);
    this.#names = Object.keys(weightShapes(model.config));
    this.#weights = tensorsOf(model);
    this.#adam = new Adam(this.#list(), adam);
  }

  /** Valid until the next step. */
  get weights(): Weights {
    return this.#weights;
  }

  /** Takes one step of Adam; resolves to the loss before it, in nats per token. */
  async step(batch: Batch, rate: number): Promise<number> {
    const before = this.#weights;
    const loss = tidy(() => {
      const { value, grads } = this.gradients(batch);
      this.#weights = this.#named(this.#adam.apply(grads, rate).map((weight) => keep(weight)));
      return value;
    });
    disposeWeights(before);
    return read(loss);
  }

  /** Returns the mean loss and its gradients with respect to the weights. Call it within a tidy. */
  gradients(batch: Batch, attention?: Attend): { value: Scalar; grads: Tensor[] } {
    const uploaded = this.upload(batch);
    return valueAndGrads((...weights: Tensor[]) =>
      div<Scalar>(
        lossSum(forward(this.config, this.#named(weights), uploaded, attention), uploaded),
        uploaded.tokens,
      ),
    )(this.#list());
  }

  /** Resolves to the loss of a batch in nats, summed over its tokens. */
  async evaluate(batch: Batch): Promise<number> {
    return read(
      tidy(() => {
        const uploaded = this.upload(batch);
        return lossSum(forward(this.config, this.#weights, uploaded), uploaded);
      }),
    );
  }

  upload(batch: Batch): DeviceBatch {
    return uploadBatch(this.config, this.#angles, batch);
  }

  async snapshot(): Promise<Snapshot> {
    const { config } = this;
    const adam = this.#adam.state();
    const reads = this.#names.map(
      async (name) => [name, (await this.#weights[name]!.data()) as Float32Array] as const,
    );
    const weights = Object.fromEntries(await Promise.all(reads));
    return { model: { config, weights }, adam: await adam };
  }

  dispose(): void {
    disposeWeights(this.#weights);
    this.#adam.dispose();
  }

  #list(): Tensor[] {
    return this.#names.map((name) => this.#weights[name]!);
  }

  #named(weights: readonly Tensor[]): Weights {
    return Object.fromEntries(this.#names.map((name, i) => [name, weights[i]!]));
  }
}

async function read(x: Scalar): Promise<number> {
  const [value] = await x.data();
  dispose(x);
  return value!;
}
