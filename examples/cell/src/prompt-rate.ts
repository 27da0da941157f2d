/** Measures how many prompt tokens wait, and how many tokens a worker computes in a second. */
export class PromptRate {
  #waiting = 0;
  #computed = 0;
  #at = performance.now();
  #perSecond = 0;

  /** Counts a prompt as waiting until the returned function is called. */
  begin(tokens: number): () => void {
    this.#waiting += tokens;
    return () => {
      this.#waiting -= tokens;
    };
  }

  /** @param computed tokens that the engine has computed since its start */
  sample(computed: number): { queuedTokens: number; tokensPerSecond: number } {
    const now = performance.now();
    const rate = ((computed - this.#computed) * 1000) / Math.max(1, now - this.#at);
    [this.#computed, this.#at] = [computed, now];
    // A worker that waits for requests is no slower for it.
    this.#perSecond = Math.max(rate, 0.95 * this.#perSecond);
    return { queuedTokens: this.#waiting, tokensPerSecond: this.#perSecond };
  }
}
