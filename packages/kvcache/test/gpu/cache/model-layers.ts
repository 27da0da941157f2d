import type { Gpu, Tensor } from '@heed/core';
import { flexAttention, type MaskMod } from '@heed/flex';
import assert from 'node:assert/strict';
import type { CacheGroup, PagedKvCache } from '../../../src/index.ts';
import { errorsOf, type Sees } from './naive-attention.ts';
import {
  type Attention,
  attentionWith,
  bitsOf,
  cached,
  contiguous,
  cumulative,
  lengthOf,
  type Served,
  type Span,
  spansOf,
  Toy,
  type ToyShape,
  toyShape,
} from './toy.ts';

/** What the queries of a layer see, on the GPU and on the host. */
interface Sight {
  readonly attention: Attention;
  readonly sees: Sees;
  readonly window?: number;
}

export const full: Sight = {
  attention: attentionWith({ causal: true, numSplits: 1 }),
  sees: (q, kv) => kv <= q,
};

/** A window as in Gemma and gpt-oss: the query and `window` keys before it. */
export const sliding = (window: number): Sight => ({
  attention: {
    ...attentionWith({ causal: true, window: [window, 0], numSplits: 1 }),
    paged: full.attention.paged, // the view brings the window
  },
  sees: (q, kv) => kv <= q && q - kv <= window,
  window,
});

const sameChunk: MaskMod<{ chunk: number }> = (b, h, q, kv, c) =>
  kv <= q && Math.floor(q / c.chunk) === Math.floor(kv / c.chunk);

/** Chunks as in Llama 4: a mask over a window of the same size. */
export function chunked(chunk: number): Sight {
  const options = { maskMod: sameChunk, captures: { chunk }, numSplits: 1 };
  return {
    attention: {
      paged: (q, view) => flexAttention(q, view, options).out,
      packed: (q, k, v, lists) => flexAttention(q, k, v, { ...options, ...lists }).out,
    },
    sees: (q, kv) => kv <= q && Math.floor(q / chunk) === Math.floor(kv / chunk),
    window: chunk - 1,
  };
}

/** Layers of one kind. */
export interface Kind {
  readonly layers: readonly number[];
  readonly sight: Sight;
  readonly shape?: ToyShape;
  readonly options?: Partial<CacheGroup>;
}

/** A toy whose values are the first columns of its keys. */
class SharedToy extends Toy {
  override numbers(
    x: 'q' | 'k' | 'v',
    layer: number,
    spans: readonly Span[],
  ): Float32Array<ArrayBuffer> {
    if (x !== 'v') return super.numbers(x, layer, spans);
    const { headDim, headDimV } = this.shape;
    const keys = super.numbers('k', layer, spans);
    return keys.filter((_, i) => i % headDim < headDimV);
  }
}

/** A toy model whose layers differ. Its rows depend on all tokens up to their own. */
export class LayeredToy {
  readonly groups: CacheGroup[];
  readonly #kinds: readonly (Kind & { readonly toy: Toy })[];

  constructor(gpu: Gpu, kinds: readonly Kind[]) {
    this.#kinds = kinds.map((kind) => {
      const Model = kind.options?.sharedKv ? SharedToy : Toy;
      return { ...kind, toy: new Model(gpu, kind.shape ?? toyShape) };
    });
    this.groups = kinds.map(({ layers, sight: { window }, shape = toyShape, options }) => ({
      layers,
      ...cached(shape),
      dtype: 'f32',
      ...(window !== undefined && { window }),
      ...options,
    }));
  }

  /**
   * Appends new tokens to all layers in the model's order and attends to them. Compares the bits with those over contiguous memory,
   * and the last row of each sequence with float64.
   */
  async step(
    cache: PagedKvCache,
    served: readonly Served[],
    news: readonly (readonly number[])[],
  ): Promise<void> {
    const spans = spansOf(served, news);
    const sequences = served.map(({ sequence }) => sequence);
    const cuSeqlens = cumulative(spans.map(lengthOf));
    const layers = this.#kinds
      .flatMap((kind) => kind.layers.map((layer) => ({ ...kind, layer })))
      .toSorted((a, b) => a.layer - b.layer);
    for (const { layer, toy, sight, options } of layers) {
      const [k, v] = [toy.rows('k', layer, spans), toy.rows('v', layer, spans)];
      if (options?.sharedKv) cache.append(layer, sequences, k, undefined, { cuSeqlens });
      else cache.append(layer, sequences, k, v, { cuSeqlens });
      const q = toy.rows('q', layer, spans);
      const out = sight.attention.paged(q, cache.view(layer, sequences));
      await this.#compare(toy, layer, sight, spans, out);
      for (const t of [q, k, v, out]) t.dispose();
    }
  }

  async #compare(
    toy: Toy,
    layer: number,
    { attention, sees }: Sight,
    spans: readonly Span[],
    out: Tensor,
  ): Promise<void> {
    using want = contiguous(toy, spans, 'f32', attention, layer);
    assert.deepEqual(await bitsOf(out), await bitsOf(want), `layer ${layer}`);
    const numbers = await out.read();
    const size = toy.shape.qHeads * toy.shape.headDimV;
    let row = 0;
    for (const span of spans) {
      row += lengthOf(span);
      if (lengthOf(span) === 0) continue;
      const last = { ...span, start: span.end - 1 };
      const own = numbers.subarray((row - 1) * size, row * size);
      const { error, budget } = errorsOf(toy, layer, last, own, sees);
      assert.ok(error <= budget, `layer ${layer}: ${error} > ${budget}`);
    }
  }
}
