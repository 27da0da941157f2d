/** Resolves in a later turn of the event loop, so that the page can draw and take a keystroke. */
export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/**
 * Runs one task at a time, once no call has come for `pauseMs`. A new call aborts the running task and replaces a waiting one,
 * so the GPU queue holds at most one stale run.
 */
export class Latest {
  readonly #pauseMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  /** `task` must stop when its signal aborts. Only rejections after that are dropped; earlier ones go to `failed`. */
  call(task: (signal: AbortSignal) => Promise<void>, failed: (error: unknown) => void): void {
    this.cancel();
    const abort = new AbortController();
    this.#abort = abort;
    this.#timer = setTimeout(() => {
      const before = this.#running;
      this.#running = before.then(async () => {
        if (abort.signal.aborted) return;
        try {
          await task(abort.signal);
        } catch (error) {
          if (!abort.signal.aborted) failed(error);
        }
      });
    }, this.#pauseMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }
}
