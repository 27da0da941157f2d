/** Waits that end early when their owner does: a client may never answer, also after its `disconnect()`. */
export class Ending {
  isOver = false;
  readonly #waits = new Set<() => void>();

  /** Ends all waits. */
  end(): void {
    this.isOver = true;
    for (const stop of this.#waits) stop();
  }

  /** Waits for an answer. Rejects at the end. */
  answer<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(new Error('it was disposed of'));
      this.#waits.add(stop);
      answer.then(resolve, reject).finally(() => this.#waits.delete(stop));
      if (this.isOver) stop();
    });
  }

  /** Waits for a time, or until the returned function is called. */
  sleep(ms: number): { readonly done: Promise<void>; readonly wake: () => void } {
    let wake = (): void => {};
    const done = new Promise<void>((resolve) => {
      wake = () => {
        clearTimeout(timer);
        this.#waits.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waits.add(wake);
      if (this.isOver) wake();
    });
    return { done, wake };
  }
}
