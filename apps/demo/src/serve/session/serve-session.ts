import type { Gpu } from '@heed/core';
import { type KvStore, type LoadReport, PagedKvCache, type SaveReport } from '@heed/kvcache';
import { opfsStore } from '@heed/kvcache/browser';
import { useTfjs } from '../../transformer/tfjs-backend.ts';
import type { Answer, Request } from '../engine/answer.ts';
import { Runner } from '../engine/model-runner.ts';
import { PageBook } from '../engine/page-book.ts';
import { serveAlone } from '../engine/serve-alone.ts';
import { Engine } from '../engine/serve-engine.ts';
import {
  forgetRemembered,
  PAGE_SIZE,
  remember,
  type Remembered,
  SEATS,
  type Settings,
} from './serve-settings.ts';
import type { ServedModel } from './served-model.ts';

type CacheSettings = Pick<Settings, 'format' | 'pages'>;

/** A model on the device with its cache. It outlives a run, so that a prompt finds the pages of earlier ones. */
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

  /** @param onTokens receives the number of tokens before each step */
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

  /** Must not be called after the device was lost. */
  [Symbol.dispose](): void {
    this.cache.dispose();
    this.#runner[Symbol.dispose]();
  }
}

/** Returns the most tokens that a step computes: more cost little on a GPU, but time grows with them on a CPU. */
const rowsFor = ({ capabilities }: Gpu): number =>
  capabilities.adapter.isFallbackAdapter ? 16 : 64;

const store = (): KvStore => opfsStore('demo-serve');

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Saves a session's prefixes in the browser's private file system, and the prompts in localStorage. Resolves to a message. */
export async function saveAll(session: Session, what: Remembered): Promise<string> {
  const { saved, known, lost } = await session.save(store());
  remember(what);
  const others = known > 0 ? `, ${known} were there already` : '';
  const gone = lost > 0 ? `, ${lost} were evicted meanwhile` : '';
  return `Saved ${saved} pages in this browser${others}${gone}. Reload the page and run again: the prompts find them.`;
}

/** Loads the pages saved for this model and format. Resolves to a message; empty if nothing was saved. */
export async function loadSaved(session: Session): Promise<string> {
  try {
    const { loaded, left, refused } = await session.load(store());
    if (loaded + left + refused.length === 0) return '';
    const more = left > 0 ? ` ${left} more did not fit.` : '';
    const bad = refused.length > 0 ? ` ${refused.length} were refused: ${refused[0]!.reason}.` : '';
    return `Resumed ${loaded} saved pages.${more}${bad}`;
  } catch (error) {
    return `The saved pages could not be read: ${messageOf(error)}`;
  }
}

/** Deletes everything that this room has saved. Resolves to a message. */
export async function forgetAll(): Promise<string> {
  const saved = store();
  let count = 0;
  for await (const key of saved.keys()) {
    await saved.delete(key);
    count++;
  }
  forgetRemembered();
  return `Deleted ${count} saved pages from this browser.`;
}
