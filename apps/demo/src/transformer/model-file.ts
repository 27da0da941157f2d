import { checkedConfig } from './config.ts';
import type { Model } from './model.ts';
import type { StoredDType } from './safetensors/format.ts';
import { readSafetensors } from './safetensors/read.ts';
import { writeSafetensors } from './safetensors/write.ts';
import { weightShapes } from './weight-shapes.ts';

const KEY = 'heed.config';

/** A model as a safetensors file, with its configuration in the metadata. */
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
 * The model in a file of {@link modelToFile}.
 * @throws Error it is no such file: what is wrong with it
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
