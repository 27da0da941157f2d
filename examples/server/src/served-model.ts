import type { Gpu } from '@heed/core';
import type { PagedKvCache } from '@heed/kvcache';
import type { ChatTokenizer, GenerationConfig, LanguageModel, ServeEngine } from '@heed/llm';

/** A model that answers, with all that its answers need. */
export interface ServedModel {
  readonly gpu: Gpu;
  readonly model: LanguageModel;
  readonly cache: PagedKvCache;
  readonly engine: ServeEngine;
  readonly tokenizer: ChatTokenizer;
  readonly generation: GenerationConfig;
}

/** Keeps a model open: where its device is lost, it is opened again, and requests that come meanwhile wait for it. */
export class ModelHost {
  readonly #open: () => Promise<ServedModel>;
  #current: Promise<ServedModel>;
  #isClosed = false;

  /** @param open opens the model on a device; called now, and again after a loss of that device */
  constructor(open: () => Promise<ServedModel>) {
    this.#open = open;
    this.#current = this.#opened();
  }

  /** Returns the model. Rejects with the error of its last opening. */
  current(): Promise<ServedModel> {
    return this.#current;
  }

  /** Waits for the answers in progress, calls `last` with the model, and frees it. */
  async close(last?: (served: ServedModel) => Promise<void>): Promise<void> {
    this.#isClosed = true;
    const served = await this.#current;
    await served.engine.idle();
    await last?.(served);
    served.gpu.dispose();
  }

  async #opened(): Promise<ServedModel> {
    const served = await this.#open();
    void served.gpu.lost.then(() => {
      if (this.#isClosed) return;
      this.#current = this.#opened();
      // Requests that await it get the error.
      this.#current.catch(() => {});
    });
    return served;
  }
}
