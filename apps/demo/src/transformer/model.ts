import type { ModelConfig } from './config.ts';
import { normals } from '../random.ts';
import { EMBEDDING, sizeOf, weightShapes } from './weight-shapes.ts';

/** A model on the host: what is saved, loaded and handed from room to room. */
export interface Model {
  readonly config: ModelConfig;
  /** By the names of {@link weightShapes}, row-major. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** A model that knows nothing; the same seed gives the same. */
export function initialModel(config: ModelConfig, seed: number): Model {
  const random = normals(seed);
  const weights = Object.entries(weightShapes(config)).map(([name, shape]) => {
    const scale = initialScale(name, shape, config);
    const values = new Float32Array(sizeOf(shape));
    return [name, scale === undefined ? values.fill(1) : values.map(() => scale * random())];
  });
  return { config, weights: Object.fromEntries(weights) as Model['weights'] };
}

/** The standard deviation that a weight starts with; undefined for norms, which start at 1. */
function initialScale(
  name: string,
  shape: readonly number[],
  { layers, dModel }: ModelConfig,
): number | undefined {
  if (shape.length === 1) return undefined;
  // Of the size of what the layers add: a token that starts smaller (0.02, as often) drowns in that, and learning starts late.
  if (name === EMBEDDING) return 1 / Math.sqrt(dModel);
  const fanIn = 1 / Math.sqrt(shape[1]!);
  // What is added to the residual stream shrinks with the number of additions (GPT-2).
  const isResidual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
  return isResidual ? fanIn / Math.sqrt(2 * layers) : fanIn;
}
