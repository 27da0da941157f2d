/** Resolves in a later turn of the event loop, so that the page can draw and take a keystroke. */
export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/**
 * Runs one task at a time, after a pause in the calls. A new call stops the task that runs, and takes the place of one
 * that waits, so the GPU has at most one stale run in its queue.
 */
export class Latest {
  readonly #pauseMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  /** `task` must stop when its signal aborts; what it rejects with after that is dropped, and nothing else. */
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
