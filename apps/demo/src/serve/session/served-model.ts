import {
  getModel,
  initialModel,
  type Model,
  modelFromFile,
} from '../../transformer/language-model.ts';
import { parameterCount, presets } from '../../transformer/model-config.ts';

/** Where a model can come from. */
export type Source = 'shipped' | 'trained' | 'random';

/** A model with its origin and fingerprint. */
export interface ServedModel {
  readonly model: Model;
  /** Where its weights come from. */
  readonly origin: string;
  /** Names the weights in a store: 40 hexadecimal digits. */
  readonly fingerprint: string;
}

type Found = Omit<ServedModel, 'fingerprint'>;

/** The models that the room can serve. */
export class Models {
  readonly #shipped: Model | undefined;
  readonly #random: Model = initialModel(presets.small, 1);

  /** @param shipped undefined if the page has no model file */
  constructor(shipped: Model | undefined) {
    this.#shipped = shipped;
  }

  /** Returns the available sources, best first. */
  sources(): Source[] {
    const all = ['shipped', 'trained', 'random'] as const;
    return all.filter((source) => this.find(source) !== undefined);
  }

  find(source: Source): Found | undefined {
    if (source === 'random') {
      return { model: this.#random, origin: 'random weights, so its answers are noise' };
    }
    if (source === 'trained') {
      const shelved = getModel();
      return shelved && { model: shelved.model, origin: shelved.origin };
    }
    return (
      this.#shipped && { model: this.#shipped, origin: 'trained to answer four kinds of questions' }
    );
  }

  /** @throws Error if there is no such model */
  async serve(source: Source): Promise<ServedModel> {
    const found = this.find(source);
    if (!found) throw new Error('This model is not there. Choose another.');
    return { ...found, fingerprint: await fingerprint(found.model) };
  }
}

/**
 * Fetches the shipped model; resolves to undefined if the file is missing.
 * @throws Error if the file is damaged
 */
export async function fetchShipped(): Promise<Model | undefined> {
  const response = await fetch('./model.safetensors');
  // Some servers return the page itself in place of a missing file.
  const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
  if (!response.ok || isPage) return undefined;
  return modelFromFile(new Uint8Array(await response.arrayBuffer()));
}

/** Describes a model in a line. */
export function modelText({ model: { config }, origin }: Found): string {
  const { layers, heads, kvHeads, context } = config;
  const size = parameterCount(config).toLocaleString('en');
  return `${size} parameters, ${layers} layers, ${heads} heads over ${kvHeads} of keys and values, ${context} bytes of context; ${origin}.`;
}

async function fingerprint({ config, weights }: Model): Promise<string> {
  const parts = Object.keys(weights)
    .toSorted()
    .map((name) => weights[name] as Float32Array<ArrayBuffer>);
  const bytes = await new Blob([JSON.stringify(config), ...parts]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest.subarray(0, 20), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
