import type { Gpu } from '@heed/core';
import { type KvStore, type LoadReport, PagedKvCache, type SaveReport } from '@heed/kvcache';
import { useTfjs } from '../transformer/backend.ts';
import { Engine } from './engine/engine.ts';
import { PageBook } from './engine/page-book.ts';
import type { Request } from './engine/request.ts';
import { Runner } from './engine/runner.ts';
import type { Answer } from './engine/request.ts';
import { serveAlone } from './engine/serve-alone.ts';
import type { ServedModel } from './model/served-model.ts';
import { PAGE_SIZE, SEATS, type Settings } from './settings.ts';

type CacheSettings = Pick<Settings, 'format' | 'pages'>;

/** A model on the device with its cache: what lasts from run to run, so that a prompt finds what an earlier one left. */
export class Session implements Disposable {
  readonly gpu: Gpu;
  readonly served: ServedModel;
  readonly settings: CacheSettings;
  readonly cache: PagedKvCache;
  readonly book: PageBook;
  readonly #runner: Runner;

  private constructor(
    gpu: Gpu,
    served: ServedModel,
    settings: CacheSettings,
    cache: PagedKvCache,
    runner: Runner,
  ) {
    this.gpu = gpu;
    this.served = served;
    this.settings = settings;
    this.cache = cache;
    this.#runner = runner;
    const book = (this.book = new PageBook(settings.pages, PAGE_SIZE));
    cache.on('stored', (event) => book.stored(event));
    cache.on('removed', (event) => book.removed(event));
    cache.on('cleared', () => book.cleared());
  }

  static async open(gpu: Gpu, served: ServedModel, settings: CacheSettings): Promise<Session> {
    await useTfjs(gpu);
    const { layers, kvHeads, headDim } = served.model.config;
    const { format: dtype, pages } = settings;
    const sizes = { layers, kvHeads, headDim, pages, pageSize: PAGE_SIZE };
    const cache = await PagedKvCache.create(gpu, { ...sizes, dtype });
    return new Session(gpu, served, settings, cache, new Runner(gpu, served.model, rowsFor(gpu)));
  }

  engine(drafts: number): Engine {
    const { cache, book } = this;
    const seats = SEATS;
    return new Engine({ runner: this.#runner, cache, book, pageSize: PAGE_SIZE, seats, drafts });
  }

  /** @param onTokens told after each step how many tokens there are */
  alone(
    request: Request,
    signal: AbortSignal,
    onTokens: (done: number) => void,
  ): Promise<Answer[]> {
    const pages = { pageSize: PAGE_SIZE, dtype: this.settings.format };
    return serveAlone(this.gpu, this.#runner, request, pages, { signal, onTokens });
  }

  save(store: KvStore): Promise<SaveReport> {
    return this.cache.save(store, { namespace: this.served.fingerprint });
  }

  load(store: KvStore): Promise<LoadReport> {
    return this.cache.load(store, { namespace: this.served.fingerprint });
  }

  /** While the device is there. */
  [Symbol.dispose](): void {
    this.cache.dispose();
    this.#runner[Symbol.dispose]();
  }
}

/** Tokens that a step computes at most: on a GPU more cost no more, on the CPU each costs its share. */
const rowsFor = ({ capabilities }: Gpu): number =>
  capabilities.adapter.isFallbackAdapter ? 16 : 64;
