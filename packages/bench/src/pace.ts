/** Tells how far a run of several steps is, and how long the rest may take if it is like what was done. */
export class Pace {
  readonly #total: number;
  readonly #now: () => number;
  readonly #start: number;
  #begun = 0;

  /** @param now milliseconds */
  constructor(total: number, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#now = now;
    this.#start = now();
  }

  /** A line for the step that begins: `3/9 decode-f32, about 1:20 left`. */
  next(step: string): string {
    const done = this.#begun++;
    const line = `${this.#begun}/${this.#total} ${step}`;
    if (done === 0) return line;
    const each = (this.#now() - this.#start) / done;
    return `${line}, about ${minutes(each * (this.#total - done))} left`;
  }
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
