import type { Gpu, Tensor } from '@heed/core';
import { fail, narrowed, readOptions, show, warmup, type WarmupOptions } from '@heed/core/kernel';
import { checkTokens, checkWhole } from '../pages/whole-numbers.ts';
import type { KvStore } from '../stores/kv-store.ts';
import { append, type AppendOptions } from './append-step.ts';
import { type CacheCore, sourcesOf } from './cache-core.ts';
import { type KvStats, statsNames, statsOf, type StatsOptions } from './cache-stats.ts';
import { type KvEvents, type StoredEvent, storedEvent } from './cache-events.ts';
import {
  type CacheOptions,
  type GroupedCacheOptions,
  meantOpen,
  openNames,
  type OpenOptions,
} from './cache-options.ts';
import { createCore } from './create-cache.ts';
import { type KvSequence, sequenceOf, statesOf } from './kv-sequence.ts';
import { type KvView, viewOf } from './kv-view.ts';
import { load, type LoadOptions } from './load-pages.ts';
import type { LoadReport } from './load-report.ts';
import { save, type SaveOptions, type SaveReport } from './save-pages.ts';

/**
 * Keys and values of many sequences, in pages of one pool per layer. Sequences share the pages of equal prefixes, and a shared page
 * is copied before it is written. The committed pages of a closed sequence stay findable until their memory is needed.
 *
 * A call that throws has changed nothing. All calls throw DisposedError after `dispose`, and DeviceLostError.
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
   * Allocates all pages: exactly `pages`, or with `maxBytes` as many as the device has memory for, down to one. `stats()` has the
   * number. The contents of new pages are undefined.
   *
   * @throws ValidationError (these are rejections) options out of range; neither `pages` nor `maxBytes`
   * @throws LimitError `pages` need more memory per layer than one binding holds; the message names the most that fit
   * @throws GpuError the device does not have the memory for `pages`, or for a single page
   *
   * @example
   * const cache = await PagedKvCache.create(gpu, { layers: 32, kvHeads: 8, headDim: 128, maxBytes: 2 ** 28 });
   * const { pages, bytes } = cache.stats();
   */
  static async create(
    gpu: Gpu,
    options: CacheOptions | GroupedCacheOptions,
  ): Promise<PagedKvCache> {
    return new PagedKvCache(await createCore(gpu, options));
  }

  /**
   * Returns a new sequence that starts with the cached prefix of its tokens; `length` and `cachedTokens` are the tokens found. These
   * are committed; append and commit the rest. An open sequence pins its prefix: its pages are not evicted.
   *
   * @throws ValidationError tokens that are not whole numbers from 0 to 2³² − 1; a salt that is not a string
   *
   * @example
   * const pinned = cache.open({ tokens: prompt, salt: 'tenant 1', priority: 1 });
   * const news = prompt.slice(pinned.cachedTokens); // the tokens to compute: at least one
   */
  open(options?: OpenOptions): KvSequence {
    const fn = 'cache.open';
    this.#core.assertUsable(fn);
    const { tokens = [], salt = '', priority = 0 } = readOptions(fn, options, openNames, meantOpen);
    const ids = checkTokens(fn, tokens);
    if (typeof salt !== 'string') fail(fn, 'salt must be a string', show(salt), 'Leave it out.');
    if (typeof priority !== 'number' || Number.isNaN(priority)) {
      fail(fn, 'priority must be a number', show(priority), 'Leave it out for 0.');
    }
    return sequenceOf(this.#core, this.#core.ledger.openSequence(ids, salt, priority));
  }

  /**
   * Writes new rows of several sequences to one layer, in one dispatch. The first append of a step reserves pages in all layers; the
   * other layers follow with equally many rows. Appends and attention run in the order of the calls, also inside `gpu.batch`.
   *
   * @param layer 0 to layers − 1; with `groups`, the model's number
   * @param seqs N sequences of this cache, each once
   * @param k [T, Hkv, D], f32, f16 or bf16, any strides: the rows of `seqs[0]`, then of `seqs[1]`, …
   * @param v [T, Hkv, Dv], f32, f16 or bf16, any strides. With `sharedKv`, leave it out, or pass `k.slice(-1, 0, Dv)`.
   * @param options `cuSeqlens` [N + 1] where sequences get different numbers of rows; `rotary` to rotate the keys
   * @throws CapacityError too few pages are free or cached: close or truncate a sequence, and call again
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
    v?: Tensor,
    options?: AppendOptions,
  ): void {
    append(this.#core, layer, seqs, k, v, options);
  }

  /**
   * Returns whether an append of these rows would find its pages now, by the plan that `append` makes. Between the layers of a step, it
   * answers for the next step, as if the window released nothing before it.
   *
   * @param seqs N sequences of this cache, each once
   * @param counts [N] new tokens per sequence
   * @throws ValidationError counts that are not whole numbers, or not one for each sequence; sequences as for `append`
   *
   * @example
   * const fits = cache.canAppend([a, b], [1, 1]); // another token of each
   */
  canAppend(seqs: readonly KvSequence[], counts: ArrayLike<number> | BigInt64Array): boolean {
    const fn = 'cache.canAppend';
    this.#core.assertUsable(fn);
    const states = statesOf(fn, this.#core, seqs);
    if (counts?.length !== states.length) {
      const rule = `counts must have an entry for each of the ${states.length} sequences`;
      fail(fn, rule, show(counts), 'Pass the number of new tokens of each.');
    }
    const list = Array.from(narrowed(counts) as ArrayLike<number>);
    for (const [i, count] of list.entries()) checkWhole(fn, `counts[${i}]`, count, 0);
    return this.#core.ledger.canAppend(states, list);
  }

  /**
   * Returns whether a sequence of this length fits at all: alone in the cache and, with a window, appended token by token. Refuse a
   * request that does not, before it waits for memory.
   *
   * @throws ValidationError `tokens` is not a whole number
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
   * Compiles every kernel of the cache, for appends, copies and views, so that no request waits for a compiler. Saves and loads need
   * no kernel.
   *
   * @throws CompileError, DeviceLostError, or the reason of `signal` on abort (these are rejections)
   *
   * @example
   * await cache.warmup({ onProgress: (done, total, label) => console.log(`${done}/${total} ${label}`) });
   */
  async warmup(options?: WarmupOptions): Promise<void> {
    const fn = 'cache.warmup';
    this.#core.assertUsable(fn);
    const { gpu, layout } = this.#core;
    await warmup(gpu, sourcesOf(layout), options, fn);
  }

  /**
   * Returns one layer of these sequences, for `varlenAttention` and `flexAttention`. It is valid until one of them changes. Tables
   * and lengths are uploaded once for all layers, and only where they changed.
   *
   * @param layer 0 to layers − 1; with `groups`, the model's number, also of a layer that `reads` another
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
    const core = this.#core;
    const index = core.layerIndex(fn, core.reads.get(layer) ?? layer);
    const states = statesOf(fn, core, seqs);
    const tables = core.tablesOf(core.layout.places[index]!);
    return viewOf(core, index, states, tables.get(states, index));
  }

  /**
   * Returns the numbers of the cache: pages, bytes, hits, evictions, in all and by group of layers. Works after the device was lost,
   * too.
   *
   * @param options `salts` to count the bytes of each salt
   * @throws ValidationError an unknown option
   *
   * @example
   * const { used, cached, free, hitRate } = cache.stats();
   */
  stats(options?: StatsOptions): KvStats {
    const fn = 'cache.stats';
    this.#core.assertAlive(fn);
    const { salts = false } = readOptions(fn, options, statsNames);
    if (typeof salts !== 'boolean') {
      fail(fn, 'salts must be true or false', show(salts), 'Leave it out for false.');
    }
    return statsOf(this.#core, salts);
  }

  /**
   * Calls `listener` when a prefix becomes findable ('stored') or no longer is ('removed'), or when all are forgotten ('cleared').
   * Returns a function that removes the listener. Listeners are called in order, after the call that caused the events.
   *
   * @throws ValidationError an unknown event; a listener that is not a function
   *
   * @example
   * const off = cache.on('stored', ({ name, parent }) => console.log(name, 'continues', parent));
   * off();
   */
  on<E extends keyof KvEvents>(event: E, listener: (event: KvEvents[E]) => void): () => void {
    return this.#core.events.on(event, listener);
  }

  /**
   * Returns the prefixes that are findable now, parents before their continuations, as their events 'stored' would tell them. A
   * listener that comes late starts from here: add it with `on`, then read the list, in one turn. The list is a snapshot; `page` is
   * one of the pages that hold the prefix. Works after the device was lost, too.
   *
   * @example
   * const findable = new Map(cache.prefixes().map((event) => [event.name, event]));
   */
  prefixes(): StoredEvent[] {
    this.#core.assertAlive('cache.prefixes');
    const { tree, told } = this.#core.ledger;
    return tree.stored().map((node) => storedEvent(node, told));
  }

  /**
   * Forgets all prefixes, so that every page becomes free.
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
   * Puts prefixes into a store, parents first: all that are findable, or those of `sequences` or `names`. Sequences may be used
   * meanwhile.
   *
   * All: the store lists its keys, and records that it has are skipped, unless a load has refused them. A page that is evicted before
   * it is saved counts as lost. `sequences` or `names`: pages are copied on the GPU at the call, so a window may release them at the
   * next append; call it at each commit. The store is not listed: records that this cache has put or loaded are skipped while their
   * pages are cached.
   *
   * @throws ValidationError (as a rejection) no namespace, or one that is too long; a key that cannot sign; errors of the store
   *
   * @example
   * const { saved, known } = await cache.save(store, { namespace: 'my-model-7b' });
   */
  save(store: KvStore, options?: SaveOptions): Promise<SaveReport> {
    return save(this.#core, store, options);
  }

  /**
   * Makes prefixes of a store findable, parents first: all, or those of one prompt. Skips records of another geometry or namespace.
   * Leaves out and reports damaged records and their continuations.
   *
   * All: the store lists its keys; pages go where free pages are, and nothing is evicted. `tokens`: what is missing behind the prompt's
   * cached prefix, up to the first gap, and of a windowed cache only what the next token sees. Cached pages of other prompts that no
   * load holds may be evicted. `hold` keeps the prompt's pages until it is disposed of, or for ten seconds: open the sequence, then
   * dispose of it. Loads that run side by side share their fetches.
   *
   * @throws errors of the store (as a rejection); damaged records are not errors
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
