import { DeviceLostError, GpuError, type HeedError } from '../text/errors.ts';
import { breathing, nudging } from './completion.ts';

interface Fault {
  readonly error: HeedError;
  readonly issuedAt: number;
  reportedAt: number;
  /** True once it has been reported, or need not be. */
  isTold: boolean;
}

/** Receives the faults that no call awaits; `owned` is true if heed created the device. */
export interface Listener {
  readonly tell: (error: HeedError) => void;
  readonly owned: boolean;
}

const keptFaults = 32;

/**
 * Milliseconds to wait for the loss of the device after work has failed. Only a loss aborts a mapping that heed waits for, and
 * browsers announce the loss some time later.
 */
const announcement = (error: unknown): number =>
  (error as Error | undefined)?.name === 'AbortError' ? 1000 : 0;

/**
 * Errors of the GPU side, which WebGPU reports later through error scopes. Each one rejects every `read` and `settled` that is
 * called after the faulty call and before the first report of the error. If there is no such call by the end of the next task, the
 * listener receives the error.
 */
export class Faults {
  readonly #lost: Promise<DeviceLostError>;
  #isLossAwaited = false;
  #isClosed = false;
  #lostError: DeviceLostError | undefined;
  #clock = 0;
  #faults: Fault[] = [];
  readonly #device: GPUDevice;
  readonly #pending = new Set<Promise<void>>();
  readonly #waiting = new Set<(error: DeviceLostError) => void>();
  /** Clock values of the pending verdicts. */
  readonly #asked = new Set<number>();
  readonly #listener: Listener;

  constructor(device: GPUDevice, listener: Listener) {
    this.#device = device;
    this.#listener = listener;
    this.#lost = device.lost.then(({ reason, message }) => this.#lose(reason, message));
    device.addEventListener?.('uncapturederror', this.#uncaptured);
  }

  // Memory and compiler failures may surface at a submit, outside any scope; validation errors there are not from heed. On a device
  // of the caller, the event belongs to the caller, so the listener does not receive the error.
  readonly #uncaptured = (event: GPUUncapturedErrorEvent): void => {
    const fault = gpuError('heed', event.error);
    if (fault.kind === 'validation') return;
    const { owned } = this.#listener;
    if (owned) event.preventDefault?.();
    this.#report(fault, 0, !owned);
  };

  /** Resolves when the device is lost. After a first read of this property, the listener does not receive the loss. */
  get lost(): Promise<DeviceLostError> {
    this.#isLossAwaited = true;
    return this.#lost;
  }

  close(): void {
    this.#isClosed = true;
    this.#device.removeEventListener?.('uncapturederror', this.#uncaptured);
  }

  get lostError(): DeviceLostError | undefined {
    return this.#lostError;
  }

  #lose(reason: string, message: string): DeviceLostError {
    const isDestroyed = reason === 'destroyed';
    const who = this.#isClosed && this.#listener.owned ? 'gpu.dispose()' : 'device.destroy()';
    const why = isDestroyed ? `${who} was called` : `reason: ${reason}`;
    const error = new DeviceLostError(
      `heed: the GPU device was lost (${why}${message ? `: ${message.trim()}` : ''}). Open a new Gpu and make its tensors again.`,
      reason,
    );
    this.#lostError = error;
    if (!isDestroyed && !this.#isLossAwaited && this.#waiting.size === 0) {
      this.#report(error, Infinity);
    }
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
    return error;
  }

  /**
   * Runs `fn`; GPU errors of these kinds go to this list, not to the page's console.
   * @param what name of the function in the message
   * @param convert called with an error; may resolve to another error to report, or return false if the error only follows from another
   * @param clean called if there was no error
   */
  scope<T>(
    what: string,
    filters: readonly GPUErrorFilter[],
    fn: () => T,
    convert?: (error: GPUError) => Promise<HeedError> | false | void,
    clean?: () => void,
  ): T {
    const device = this.#device;
    for (const filter of filters) device.pushErrorScope(filter);
    const issuedAt = ++this.#clock;
    try {
      return fn();
    } finally {
      for (let i = 0; i < filters.length; i++) {
        this.#watch(device.popErrorScope(), async (error) => {
          if (!error) return clean?.();
          const converted = await convert?.(error);
          if (converted !== false) this.#report(converted ?? gpuError(what, error), issuedAt);
        });
      }
    }
  }

  #watch(popped: Promise<GPUError | null>, then: (error: GPUError | null) => Promise<void>): void {
    // A scope cannot be popped on a lost device, and the loss itself is reported elsewhere.
    const done: Promise<void> = popped
      .then(then, () => {})
      .then(() => {
        this.#pending.delete(done);
      });
    this.#pending.add(done);
  }

  #report(error: HeedError, issuedAt: number, isTold = false): void {
    this.#faults.push({ error, issuedAt, reportedAt: Infinity, isTold });
    if (this.#faults.length > keptFaults) this.#faults.shift();
    this.#tellLater();
  }

  /** After the next task, passes the faults that no call awaits to the listener. */
  #tellLater(): void {
    const untold = this.#faults.filter((fault) => !fault.isTold);
    if (untold.length === 0) return;
    const tell = (): void => {
      for (const fault of untold) {
        if (fault.isTold || [...this.#asked].some((mark) => mark > fault.issuedAt)) continue;
        fault.isTold = true;
        this.#listener.tell(fault.error);
      }
    };
    setTimeout(() => setTimeout(tell, 0), 0);
  }

  /**
   * Waits for `work`, then for the errors of all calls before this one. Rejects with the first error; on loss of the device or on
   * abort, rejects at once.
   */
  verdict<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const mark = ++this.#clock;
    const scopes = [...this.#pending];
    this.#asked.add(mark);
    const judged = async (): Promise<T> => {
      try {
        return await work();
      } finally {
        await Promise.all(scopes);
        this.#asked.delete(mark);
        // An aborted call does not report the fault, so others must.
        if (signal?.aborted) this.#tellLater();
        else this.#throwFault(mark);
      }
    };
    const judgement = breathing(this.#device.adapterInfo, judged());
    return this.unlessLost(nudging(this.#device, judgement), signal);
  }

  #throwFault(mark: number): void {
    let first: Fault | undefined;
    for (const fault of this.#faults) {
      if (fault.issuedAt > mark || fault.reportedAt < mark) continue;
      if (!first || fault.issuedAt < first.issuedAt) first = fault;
    }
    if (!first) return;
    for (const fault of this.#faults) {
      if (fault.issuedAt >= mark) continue;
      fault.reportedAt = Math.min(fault.reportedAt, this.#clock);
      fault.isTold = true;
    }
    throw first.error;
  }

  /** Settles as `work` does, or rejects when the device is lost or the signal aborts first. */
  unlessLost<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    // Promise.race would add a reaction to the long-lived `lost` per call.
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        this.#waiting.delete(reject);
        signal?.removeEventListener('abort', abort);
        end();
      };
      const abort = (): void => settle(() => reject(signal?.reason));
      if (this.#lostError) reject(this.#lostError);
      this.#waiting.add(reject);
      signal?.addEventListener('abort', abort);
      work.then(
        (value) => settle(() => resolve(value)),
        // Work in flight fails before the loss is announced; the wait lets the loss reject first.
        (error: unknown) => setTimeout(() => settle(() => reject(error)), announcement(error)),
      );
    });
  }
}

/**
 * Makes heed's error from WebGPU's.
 * @param what name of the function in the message
 */
function gpuError(what: string, error: GPUError): GpuError {
  const name = error.constructor.name;
  const kind = name.includes('Memory')
    ? 'out-of-memory'
    : name.includes('Internal')
      ? 'internal'
      : 'validation';
  const fix =
    kind === 'out-of-memory'
      ? 'Dispose tensors that are no longer needed, or use smaller ones.'
      : 'Its outputs hold no result.';
  return new GpuError(
    `${what}: the GPU found an error (${kind}): ${error.message.trim()} ${fix}`,
    kind,
    { cause: error },
  );
}
