/** Layers of a batch; each has keys and an output of its own. */
export const LAYERS = 32;

/** One way to dispatch the layers of a model. */
export interface Layers {
  readonly call: (layer: number) => void;
  /** All layers in one submit. */
  readonly batch: () => void;
  readonly dispose: () => void;
}
