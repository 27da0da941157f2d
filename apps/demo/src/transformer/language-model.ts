import { normals } from '../text/seeded-random.ts';
import {
  checkedConfig,
  EMBEDDING,
  type ModelConfig,
  sizeOf,
  weightShapes,
} from './model-config.ts';
import { readSafetensors, type StoredDType, writeSafetensors } from './safetensors.ts';

/** A model on the host, as it is saved, loaded and passed from room to room. */
export interface Model {
  readonly config: ModelConfig;
  /** By the names of {@link weightShapes}, row-major. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** Returns an untrained model; equal seeds give equal models. */
export function initialModel(config: ModelConfig, seed: number): Model {
  const random = normals(seed);
  const weights = Object.entries(weightShapes(config)).map(([name, shape]) => {
    const scale = initialScale(name, shape, config);
    const values = new Float32Array(sizeOf(shape));
    return [name, scale === undefined ? values.fill(1) : values.map(() => scale * random())];
  });
  return { config, weights: Object.fromEntries(weights) as Model['weights'] };
}

/** Returns the standard deviation of a weight's initial values; undefined for norms, which start at 1. */
function initialScale(
  name: string,
  shape: readonly number[],
  { layers, dModel }: ModelConfig,
): number | undefined {
  if (shape.length === 1) return undefined;
  // As large as the outputs of the layers. With the usual 0.02 the layers' outputs dominate, and learning starts late.
  if (name === EMBEDDING) return 1 / Math.sqrt(dModel);
  const fanIn = 1 / Math.sqrt(shape[1]!);
  // Projections into the residual stream shrink with the number of additions (GPT-2).
  const isResidual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
  return isResidual ? fanIn / Math.sqrt(2 * layers) : fanIn;
}

const KEY = 'heed.config';

/** Writes a model as a safetensors file, with its configuration in the metadata. */
export function modelToFile(
  { config, weights }: Model,
  dtype: StoredDType,
): Uint8Array<ArrayBuffer> {
  const tensors = Object.entries(weightShapes(config)).map(([name, shape]) => [
    name,
    { shape, data: weights[name]! },
  ]);
  const metadata = { format: 'pt', [KEY]: JSON.stringify(config) };
  return writeSafetensors({ tensors: Object.fromEntries(tensors), metadata }, dtype);
}

/**
 * Reads the model in a file of {@link modelToFile}.
 * @throws Error if the file is malformed or not such a model, saying where
 */
export function modelFromFile(file: Uint8Array): Model {
  const { tensors, metadata } = readSafetensors(file);
  const text = metadata[KEY];
  if (text === undefined) throw new Error(`the file is not a model of this page: no ${KEY} in it`);
  const config = checkedConfig(JSON.parse(text));
  const shapes = weightShapes(config);
  const extra = Object.keys(tensors).find((name) => !(name in shapes));
  if (extra !== undefined) throw new Error(`the model has no weight "${extra}"`);
  const weights = Object.entries(shapes).map(([name, shape]) => {
    const stored = tensors[name];
    const [want, got] = [shape, stored?.shape ?? []].map((s) => `[${s.join(', ')}]`);
    if (want !== got) throw new Error(`"${name}" must be ${want}; got ${stored ? got : 'nothing'}`);
    if (!stored!.data.every(Number.isFinite)) throw new Error(`"${name}" holds NaN or ∞`);
    return [name, stored!.data] as const;
  });
  return { config, weights: Object.fromEntries(weights) };
}

/** A model that one room passes to another. */
interface ShelvedModel {
  readonly model: Model;
  /** Its origin as shown to the visitor: "trained here, 600 steps". */
  readonly origin: string;
}

type Listener = (shelved: ShelvedModel) => void;

let shelved: ShelvedModel | undefined;
const listeners = new Set<Listener>();

/** Passes a model to the other rooms, replacing the one before. */
export function putModel(next: ShelvedModel): void {
  shelved = next;
  for (const listener of listeners) listener(next);
}

/** Returns the model passed last, if any. */
export function getModel(): ShelvedModel | undefined {
  return shelved;
}

/** Calls `listener` whenever a room passes a model; returns a function that ends this. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
