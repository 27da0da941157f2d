import type { Gpu, Tensor } from '@heed/core';
import { fail, readOptions, show, warmup, type WarmupOptions } from '@heed/core/kernel';
import { checkTokens, checkWhole } from '../pages/whole-numbers.ts';
import type { KvStore } from '../stores/kv-store.ts';
import { append, type AppendOptions } from './append-step.ts';
import { type CacheCore, type KvStats, sourcesOf, statsOf } from './cache-core.ts';
import type { KvEvents } from './cache-events.ts';
import { type CacheOptions, meantOpen, openNames, type OpenOptions } from './cache-options.ts';
import { createCore } from './create-cache.ts';
import { type KvSequence, sequenceOf, statesOf } from './kv-sequence.ts';
import { type KvView, viewOf } from './kv-view.ts';
import { load, type LoadOptions, type LoadReport } from './load-pages.ts';
import { save, type SaveOptions, type SaveReport } from './save-pages.ts';

/**
 * Keys and values of many sequences in pages of one pool per layer. Sequences share the pages of equal prefixes; a shared
 * page is copied before it is written; a closed sequence's committed pages stay findable until their memory is needed.
 * A call that throws has changed nothing. All throw DisposedError after `dispose`, and DeviceLostError.
 *
 * Source: vLLM's block pool and prefix caching; SGLang's radix tree; TensorRT-LLM's priorities.
 *
 * @example
 * const cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 2, headDim: 64, pages: 256 });
 * const sequence = cache.open({ tokens: prompt });
 * cache.append(0, [sequence], k, v); // rows of prompt[sequence.cachedTokens …]
 * const view = cache.view(0, [sequence]);
 * const { out } = varlenAttention(q, view, { causal: true });
 * sequence.commit(prompt.slice(sequence.cachedTokens));
 */
export class PagedKvCache implements Disposable {
  readonly #core: CacheCore;

  private constructor(core: CacheCore) {
    this.#core = core;
  }

  /**
   * Allocates all pages. `pages` are all there or it fails; with `maxBytes` it takes as many as the device gives, down to one.
   * `stats()` tells how many that are. The contents of new pages are undefined.
   *
   * @throws ValidationError (these are rejections) options out of range; neither `pages` nor `maxBytes`
   * @throws LimitError `pages` need more memory per layer than one binding holds; it names the most that fit
   * @throws GpuError the device has not enough memory for `pages`, or not for a single page
   *
   * @example
   * const cache = await PagedKvCache.create(gpu, { layers: 32, kvHeads: 8, headDim: 128, maxBytes: 2 ** 28 });
   * const { pages, bytes } = cache.stats();
   */
  static async create(gpu: Gpu, options: CacheOptions): Promise<PagedKvCache> {
    return new PagedKvCache(await createCore(gpu, options));
  }

  /**
   * A new sequence, which starts with what the cache has of its tokens: `length` and `cachedTokens` say how many. The found
   * tokens are committed; append and commit the rest. While it is open its pages stay: an open sequence pins a prefix.
   *
   * @throws ValidationError tokens that are not whole numbers from 0 to 2³² − 1; a salt that is no string
   *
   * @example
   * const pinned = cache.open({ tokens: prompt, salt: 'tenant 1', priority: 1 });
   * const news = prompt.slice(pinned.cachedTokens); // what is left to compute: at least one token
   */
  open(options?: OpenOptions): KvSequence {
    const fn = 'cache.open';
    this.#core.assertUsable(fn);
    const { tokens = [], salt = '', priority = 0 } = readOptions(fn, options, openNames, meantOpen);
    checkTokens(fn, tokens);
    if (typeof salt !== 'string') fail(fn, 'salt must be a string', show(salt), 'Leave it out.');
    if (typeof priority !== 'number' || Number.isNaN(priority)) {
      fail(fn, 'priority must be a number', show(priority), 'Leave it out for 0.');
    }
    return sequenceOf(this.#core, this.#core.ledger.openSequence(tokens, salt, priority));
  }

  /**
   * Writes new rows of several sequences to one layer, in one dispatch. The first append of a step reserves room in all
   * layers; the others follow with as many rows. Ordered with attention as the calls are, also inside `gpu.batch`.
   *
   * @param layer 0 to layers − 1
   * @param seqs N sequences of this cache, each once
   * @param k [T, Hkv, D], f32 or f16, any strides: the rows of `seqs[0]`, then of `seqs[1]`, …
   * @param v [T, Hkv, Dv], f32 or f16, any strides
   * @param options `cuSeqlens` [N + 1] where sequences get different numbers of rows; `rotary` to turn the keys
   * @throws CapacityError too few pages are free or cached; nothing has changed then, and other sequences may make room
   * @throws ValidationError shapes, dtypes, lengths; a closed sequence, one named twice, one of another cache
   *
   * @example
   * const cuSeqlens = Int32Array.of(0, 5, 6); // five rows of a, then one of b
   * cache.append(0, [a, b], k, v, { cuSeqlens });
   */
  append(
    layer: number,
    seqs: readonly KvSequence[],
    k: Tensor,
    v: Tensor,
    options?: AppendOptions,
  ): void {
    append(this.#core, layer, seqs, k, v, options);
  }

  /**
   * Whether an append of so many rows would find its pages now: what `append` itself counts before it changes anything.
   *
   * @param seqs N sequences of this cache, each once
   * @param counts [N] new tokens of each
   * @throws ValidationError counts that are not whole numbers, or not one for each sequence; sequences as for `append`
   *
   * @example
   * const fits = cache.canAppend([a, b], [1, 1]); // another token of each
   */
  canAppend(seqs: readonly KvSequence[], counts: ArrayLike<number>): boolean {
    const fn = 'cache.canAppend';
    this.#core.assertUsable(fn);
    const states = statesOf(fn, this.#core, seqs);
    if (counts?.length !== states.length) {
      const rule = `counts must have an entry for each of the ${states.length} sequences`;
      fail(fn, rule, show(counts), 'Pass the number of new tokens of each.');
    }
    const list = Array.from(counts);
    for (const [i, count] of list.entries()) checkWhole(fn, `counts[${i}]`, count, 0);
    return this.#core.ledger.canAppend(states, list);
  }

  /**
   * Whether a sequence can ever get so long here: alone in the cache, and, with a window, appended to a token at a time. What
   * cannot is to be refused before it waits for memory that never comes.
   *
   * @throws ValidationError tokens that is no whole number
   *
   * @example
   * if (!cache.canEverFit(prompt.length + maxTokens)) throw new Error('the request is too long');
   */
  canEverFit(tokens: number): boolean {
    const fn = 'cache.canEverFit';
    this.#core.assertAlive(fn);
    checkWhole(fn, 'tokens', tokens, 0);
    return this.#core.ledger.canEverFit(tokens);
  }

  /**
   * Compiles every kernel that appends, copies, views, saves and loads of this cache need, so that no request waits for one.
   *
   * @throws CompileError (these are rejections) DeviceLostError; the reason of `signal` on abort
   *
   * @example
   * await cache.warmup({ onProgress: (done, total, label) => console.log(`${done}/${total} ${label}`) });
   */
  async warmup(options?: WarmupOptions): Promise<void> {
    const fn = 'cache.warmup';
    this.#core.assertUsable(fn);
    const { gpu, geometry } = this.#core;
    await warmup(gpu, sourcesOf(geometry), options, fn);
  }

  /**
   * One layer of these sequences, for `varlenAttention` and `flexAttention`. Valid until one of them changes; tables and
   * lengths are uploaded once for all layers, and only what has changed.
   *
   * @param layer 0 to layers − 1
   * @param seqs N sequences of this cache, each once
   * @throws ValidationError a layer out of range; a closed sequence, one named twice, one of another cache
   *
   * @example
   * const view = cache.view(0, [a, b]);
   * const { out } = varlenAttention(q, view, { causal: true });
   */
  view(layer: number, seqs: readonly KvSequence[]): KvView {
    const fn = 'cache.view';
    this.#core.assertUsable(fn);
    checkWhole(fn, 'layer', layer, 0, this.#core.geometry.layers - 1);
    const states = statesOf(fn, this.#core, seqs);
    return viewOf(this.#core, layer, states, this.#core.tables.get(states, layer).lists);
  }

  /**
   * The cache in numbers: pages, bytes, hits, evictions. Also after the device was lost.
   *
   * @example
   * const { used, cached, free, hitRate } = cache.stats();
   */
  stats(): KvStats {
    this.#core.assertAlive('cache.stats');
    return statsOf(this.#core);
  }

  /**
   * Calls `listener` when a prefix became findable ('stored') or no longer is ('removed'), or all were forgotten ('cleared').
   * Returns what takes the listener away. Listeners are called when the call that made the events is done, in order.
   *
   * @throws ValidationError another event; a listener that is no function
   *
   * @example
   * const off = cache.on('stored', ({ name, parent }) => console.log(name, 'continues', parent));
   * off();
   */
  on<E extends keyof KvEvents>(event: E, listener: (event: KvEvents[E]) => void): () => void {
    return this.#core.events.on(event, listener);
  }

  /**
   * Forgets all prefixes: every page becomes free.
   *
   * @throws ValidationError a sequence is open
   *
   * @example
   * cache.clear();
   */
  clear(): void {
    const fn = 'cache.clear';
    this.#core.assertUsable(fn);
    const { ledger, events } = this.#core;
    if (ledger.open.size > 0) {
      fail(fn, 'no sequence may be open', `${ledger.open.size} open`, 'Close them first.');
    }
    this.#core.poison(ledger.clear());
    events.note('cleared', () => undefined);
    events.deliver();
  }

  /**
   * Puts all findable prefixes into a store, parents first. What the store has already is left as it is, unless a load has
   * refused it: that is written again. Sequences may go on meanwhile: a page that is given up before its turn counts as lost.
   *
   * @throws ValidationError (as a rejection) no namespace, or one that is too long; what the store throws
   *
   * @example
   * const { saved, known } = await cache.save(store, { namespace: 'my-model-7b' });
   */
  save(store: KvStore, options?: SaveOptions): Promise<SaveReport> {
    return save(this.#core, store, options);
  }

  /**
   * Makes the prefixes of a store findable, parents first, as many as there are free pages. Pages of another geometry or
   * namespace are passed over; a damaged one is left out and reported, as is what continues it.
   *
   * @throws what the store throws (as a rejection); damaged records are no error
   *
   * @example
   * const { loaded, refused } = await cache.load(store, { namespace: 'my-model-7b' });
   * for (const { key, reason } of refused) console.warn(key, reason);
   */
  load(store: KvStore, options?: LoadOptions): Promise<LoadReport> {
    return load(this.#core, store, options);
  }

  /** Frees the pages. All sequences and views are invalid afterwards. May be called twice; also `using`. */
  dispose(): void {
    this.#core.dispose();
  }

  /** `dispose()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
