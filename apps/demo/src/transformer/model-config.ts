/** The sizes of a Llama-style transformer: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embedding. */
export interface ModelConfig {
  /** 256: a token is a byte of UTF-8. */
  readonly vocabSize: number;
  /** Elements per token in the residual stream. */
  readonly dModel: number;
  readonly layers: number;
  /** Query heads, a multiple of `kvHeads`. */
  readonly heads: number;
  readonly kvHeads: number;
  /** Even, since rotary positions rotate pairs of elements. */
  readonly headDim: number;
  /** Elements between the two projections of the MLP. */
  readonly dFf: number;
  readonly ropeTheta: number;
  /** Added to the mean square in RMSNorm. */
  readonly rmsNormEps: number;
  /** Tokens of the longest sequence: in training a packed row, in serving a prompt with its answer. */
  readonly context: number;
}

const common = { vocabSize: 256, ropeTheta: 10_000, rmsNormEps: 1e-5 };

export type PresetName = 'tiny' | 'small' | 'large';

/** Sizes by name: `tiny` for software adapters, `small` by default and for the shipped model, `large` for real GPUs. */
export const presets: Readonly<Record<PresetName, ModelConfig>> = {
  tiny: {
    ...common,
    dModel: 32,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    dFf: 64,
    context: 512,
  },
  small: {
    ...common,
    dModel: 64,
    layers: 3,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    dFf: 224,
    context: 1024,
  },
  large: {
    ...common,
    dModel: 192,
    layers: 4,
    heads: 6,
    kvHeads: 2,
    headDim: 32,
    dFf: 576,
    context: 1024,
  },
};

const fields = [
  'vocabSize',
  'dModel',
  'layers',
  'heads',
  'kvHeads',
  'headDim',
  'dFf',
  'context',
] as const;

/**
 * Checks a configuration read from a file.
 * @throws Error if a size is not a whole number above 0, or sizes contradict one another
 */
export function checkedConfig(given: unknown): ModelConfig {
  if (typeof given !== 'object' || given === null) {
    throw new Error(`the configuration must be an object; got ${String(given)}`);
  }
  const found = given as Record<string, unknown>;
  for (const name of fields) {
    const value = found[name];
    if (Number.isInteger(value) && (value as number) > 0) continue;
    throw new Error(`${name} must be a whole number above 0; got ${String(value)}`);
  }
  const config = found as unknown as ModelConfig;
  const { vocabSize, heads, kvHeads, headDim, ropeTheta, rmsNormEps } = config;
  if (vocabSize !== 256)
    throw new Error(`vocabSize must be 256, one for each byte; got ${vocabSize}`);
  if (heads % kvHeads !== 0) {
    throw new Error(`heads must be a multiple of kvHeads; got ${heads} and ${kvHeads}`);
  }
  if (headDim % 2 !== 0 || headDim > 256) {
    throw new Error(`headDim must be even and at most 256; got ${headDim}`);
  }
  for (const [name, value] of Object.entries({ ropeTheta, rmsNormEps })) {
    if (!(value > 0)) throw new Error(`${name} must be above 0; got ${value}`);
  }
  return config;
}

/** Returns the name of a layer's weight, as for Llama in Hugging Face Transformers. */
export const layerWeight = (layer: number, name: string): string => `model.layers.${layer}.${name}`;

export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';

/** Returns the shapes of all weights by name. Projections are [out, in]. The embedding is tied, so there is no lm_head. */
export function weightShapes(config: ModelConfig): Record<string, number[]> {
  const { vocabSize, dModel, layers, heads, kvHeads, headDim, dFf } = config;
  const shapes: Record<string, number[]> = { [EMBEDDING]: [vocabSize, dModel] };
  for (let i = 0; i < layers; i++) {
    const add = (name: string, shape: number[]): void => {
      shapes[layerWeight(i, name)] = shape;
    };
    add('input_layernorm.weight', [dModel]);
    add('self_attn.q_proj.weight', [heads * headDim, dModel]);
    add('self_attn.k_proj.weight', [kvHeads * headDim, dModel]);
    add('self_attn.v_proj.weight', [kvHeads * headDim, dModel]);
    add('self_attn.o_proj.weight', [dModel, heads * headDim]);
    add('post_attention_layernorm.weight', [dModel]);
    add('mlp.gate_proj.weight', [dFf, dModel]);
    add('mlp.up_proj.weight', [dFf, dModel]);
    add('mlp.down_proj.weight', [dModel, dFf]);
  }
  shapes[FINAL_NORM] = [dModel];
  return shapes;
}

/** Returns the number of a model's parameters. */
export function parameterCount(config: ModelConfig): number {
  return Object.values(weightShapes(config)).reduce((sum, shape) => sum + sizeOf(shape), 0);
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
