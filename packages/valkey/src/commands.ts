import { UnreachableError } from './valkey-errors.ts';

/** A clock and its timers; tests have their own. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls a function after milliseconds; returns what `clearTimeout` takes. */
  setTimeout(call: () => void, ms: number): unknown;
  /** Takes a call back. */
  clearTimeout(timer: unknown): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (call, ms) => setTimeout(call, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** What came of a command. */
export type Outcome<T> =
  | { readonly is: 'answer'; readonly value: T }
  /** The server refused it: the answer is an error. */
  | { readonly is: 'refusal'; readonly error: Error }
  /** The server gave other answers meanwhile, but not this one in time. */
  | { readonly is: 'late' }
  /** The server gave no answer at all. */
  | { readonly is: 'silent'; readonly error: Error };

export interface CommandLimits {
  readonly deadlineMs: number;
  readonly minBytesPerSecond: number;
  readonly batchBytes: number;
  readonly failures: number;
  readonly coolMs: number;
  readonly clock: Clock;
}

/** A timer that fires later than this was held up by this process. */
const heldUpMs = 5;

/** Commands that are of use together only. */
export interface Batch {
  isOver: boolean;
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Runs commands of one client with a deadline each, so many at a time that their bytes stay within a bound, and none for a while
 * after several in a row had no answer.
 */
export class Commands {
  /** Commands that found no answer in a row; 0 after each answer. */
  silent = 0;
  /** How often the breaker has opened. */
  opened = 0;
  readonly #limits: CommandLimits;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #inFlight = 0;
  #answers = 0;
  #openedAt = 0;
  #isProbing = false;

  constructor(limits: CommandLimits) {
    this.#limits = limits;
  }

  get isOpen(): boolean {
    return this.silent >= this.#limits.failures;
  }

  /** Resolves when no command is under way any more, or when each has had its time. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * Sends a command when there is room for its bytes. Never rejects. Commands of a batch that is over are not sent any more.
   */
  run<T>(bytes: number, send: () => Promise<T>, batch?: Batch): Promise<Outcome<T>> {
    const outcome = this.#run(bytes, send, batch);
    this.#running.add(outcome);
    void outcome.then(() => this.#running.delete(outcome));
    return outcome;
  }

  async #run<T>(bytes: number, send: () => Promise<T>, batch?: Batch): Promise<Outcome<T>> {
    if (this.isOpen) {
      const left = this.#coolLeft();
      if (left > 0 || this.#isProbing) {
        const text = `the server gave no answer to ${this.silent} commands in a row; the next is sent in ${Math.ceil(left)} ms`;
        return { is: 'silent', error: new UnreachableError(text) };
      }
      this.#isProbing = true;
      // It does not wait for room: what is in flight may never be answered.
      this.#inFlight += bytes;
      const outcome = await this.#answered(bytes, send);
      this.#isProbing = false;
      return outcome;
    }
    const seen = this.#answers;
    if (!(await this.#enter(bytes))) return this.#overdue(seen, 'there was no room in time');
    if (batch?.isOver) {
      this.#leave(bytes);
      return { is: 'late' };
    }
    return this.#answered(bytes, send);
  }

  /** Waits for room, at most for as long as a command may take. */
  #enter(bytes: number): boolean | Promise<boolean> {
    const { batchBytes, clock } = this.#limits;
    const isFree = this.#inFlight === 0 || this.#inFlight + bytes <= batchBytes;
    if (isFree && this.#waiting.length === 0) {
      this.#inFlight += bytes;
      return true;
    }
    return new Promise((resolve) => {
      const waiting: Waiting = {
        bytes,
        enter: () => {
          clock.clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = clock.setTimeout(() => {
        const at = this.#waiting.indexOf(waiting);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        resolve(false);
      }, this.#allowance());
      this.#waiting.push(waiting);
    });
  }

  #leave(bytes: number): void {
    this.#inFlight -= bytes;
    for (;;) {
      const next = this.#waiting[0];
      if (!next) return;
      if (this.#inFlight > 0 && this.#inFlight + next.bytes > this.#limits.batchBytes) return;
      this.#waiting.shift();
      this.#inFlight += next.bytes;
      next.enter();
    }
  }

  /** What is before a command takes its time too. */
  #allowance(): number {
    const { deadlineMs, minBytesPerSecond } = this.#limits;
    return deadlineMs + (1000 * this.#inFlight) / minBytesPerSecond;
  }

  #answered<T>(bytes: number, send: () => Promise<T>): Promise<Outcome<T>> {
    const { clock, coolMs } = this.#limits;
    const seen = this.#answers;
    const allowance = this.#allowance();
    return new Promise((resolve) => {
      let timer: unknown;
      let isSettled = false;
      let isReleased = false;
      const release = (): void => {
        if (isReleased) return;
        isReleased = true;
        this.#leave(bytes);
      };
      const settle = (outcome: Outcome<T>): void => {
        isSettled = true;
        clock.clearTimeout(timer);
        release();
        resolve(outcome);
      };
      const arm = (ms: number): void => {
        const due = clock.now() + ms;
        timer = clock.setTimeout(() => {
          // Time in which this process did not listen is not the server's.
          const heldUp = Math.min(clock.now() - due, allowance);
          if (heldUp > heldUpMs) {
            arm(heldUp);
            return;
          }
          // What has arrived is read between the timers and this.
          setImmediate(() => {
            if (isSettled) return;
            resolve(this.#overdue(seen, `there was no answer within ${Math.round(allowance)} ms`));
            // The answer may come yet, and until then its bytes are on their way, or it never comes.
            timer = clock.setTimeout(release, allowance + coolMs);
          });
        }, ms);
      };
      arm(allowance);
      sent(send).then(
        (value) => {
          this.#heard();
          settle({ is: 'answer', value });
        },
        (error: unknown) => {
          const failure = error instanceof Error ? error : new Error(String(error));
          if (isReply(failure)) {
            this.#heard();
            settle({ is: 'refusal', error: failure });
          } else {
            // One node of a cluster may be lost while others answer.
            if (!isSettled && this.#answers === seen) this.#unheard();
            settle({ is: 'silent', error: new UnreachableError(failure.message, failure) });
          }
        },
      );
    });
  }

  #overdue(seen: number, text: string): { readonly is: 'late' } | { is: 'silent'; error: Error } {
    if (this.#answers !== seen) return { is: 'late' };
    this.#unheard();
    return { is: 'silent', error: new UnreachableError(text) };
  }

  #heard(): void {
    this.#answers++;
    this.silent = 0;
  }

  #unheard(): void {
    const wasOpen = this.isOpen;
    this.silent++;
    if (!this.isOpen) return;
    if (!wasOpen) this.opened++;
    this.#openedAt = this.#limits.clock.now();
  }

  /** A clock that was set back has cooled it. */
  #coolLeft(): number {
    const age = this.#limits.clock.now() - this.#openedAt;
    return age < 0 ? 0 : Math.max(0, this.#limits.coolMs - age);
  }
}

/** A client may throw where it should reject. */
const sent = async <T>(send: () => Promise<T>): Promise<T> => send();

/** Whether the server has sent this error. Of a cluster, the last node's is in it. */
const isReply = (error: Error): boolean => error.name === 'ReplyError';
