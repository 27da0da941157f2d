/** Tokens of an answer on their way to the caller, who reads them as an async iterator. */
export class TokenChannel implements AsyncIterableIterator<number> {
  readonly #queue: number[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;
  readonly #cancel: () => void;

  /** @param cancel called when the caller stops reading before the end */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
  }

  push(...tokens: readonly number[]): void {
    this.#queue.push(...tokens);
    this.#wake?.();
  }

  /** Ends the answer; with an error, the caller gets it after the tokens so far. */
  close(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<number, undefined>> {
    for (;;) {
      const value = this.#queue.shift();
      if (value !== undefined) return { value, done: false };
      if (this.#end) {
        if ('error' in this.#end) throw this.#end.error;
        return { value: undefined, done: true };
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  return(): Promise<IteratorResult<number, undefined>> {
    this.#queue.length = 0;
    this.close();
    this.#cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
