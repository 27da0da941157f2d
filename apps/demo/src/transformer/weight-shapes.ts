import type { ModelConfig } from './config.ts';

/** The name of a weight of a layer, as Llama's in Hugging Face Transformers. */
export const layerWeight = (layer: number, name: string): string => `model.layers.${layer}.${name}`;

export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';

/** The shape of each weight by name. Projections are [out, in]; there is no lm_head, since the embedding is tied. */
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

/** How many numbers a model has. */
export function parameterCount(config: ModelConfig): number {
  return Object.values(weightShapes(config)).reduce((sum, shape) => sum + sizeOf(shape), 0);
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
