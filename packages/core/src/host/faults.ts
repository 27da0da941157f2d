import { DeviceLostError, GpuError, type HeedError } from '../text/errors.ts';
import { breathing, nudging } from './completion.ts';

interface Fault {
  readonly error: HeedError;
  readonly issuedAt: number;
  reportedAt: number;
  /** Nobody needs to be told any more. */
  isTold: boolean;
}

/** Who hears of faults that nobody awaits, and whether the device is heed's own. */
export interface Listener {
  readonly tell: (error: HeedError) => void;
  readonly owned: boolean;
}

const keptFaults = 32;

/**
 * Milliseconds within which the loss of the device is announced if it is why work has failed. A mapping that heed waits for is
 * aborted by nothing else; browsers then take a while to send the news.
 */
const announcement = (error: unknown): number =>
  (error as Error | undefined)?.name === 'AbortError' ? 1000 : 0;

/**
 * What went wrong where the host could not see it. WebGPU reports such errors later, through error scopes;
 * each is told to every `read` and `settled` issued after the faulty call and before the first report of it. Where none has
 * been issued by the end of the next task, the listener is told.
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
  /** When the verdicts that are still awaited were asked for. */
  readonly #asked = new Set<number>();
  readonly #listener: Listener;

  constructor(device: GPUDevice, listener: Listener) {
    this.#device = device;
    this.#listener = listener;
    this.#lost = device.lost.then(({ reason, message }) => this.#lose(reason, message));
    device.addEventListener?.('uncapturederror', this.#uncaptured);
  }

  // Memory and compiler failures may surface at a submit, outside any scope; validation errors there are not heed's. On a
  // device of the caller's the event is the caller's, who is told by it.
  readonly #uncaptured = (event: GPUUncapturedErrorEvent): void => {
    const fault = gpuError('heed', event.error);
    if (fault.kind === 'validation') return;
    const { owned } = this.#listener;
    if (owned) event.preventDefault?.();
    this.#report(fault, 0, !owned);
  };

  /** Resolves when the device is lost; who asks for it needs not be told otherwise. */
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
   * Runs `fn` with the GPU errors of these kinds going to this list instead of the page's console.
   * @param what the function to blame
   * @param convert hears of an error, and may make another one of it in its own time; false: it only follows from another
   * @param clean hears that there was none
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
    // A scope cannot be popped on a lost device; the loss itself is reported elsewhere.
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

  /** Tells of what nobody awaits when the next task has ended. */
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
   * Waits for `work`, then for the verdict on everything issued before this call.
   * Rejects at once on loss of the device or on abort.
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
        // Who has gone is not told: others are.
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

  /** `work`, unless the device is lost or the signal aborts first. */
  unlessLost<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    // Not Promise.race: its reactions would pile up on the one long-lived `lost`.
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
        // Work in flight fails before the loss itself is announced, which then rejects first.
        (error: unknown) => setTimeout(() => settle(() => reject(error)), announcement(error)),
      );
    });
  }
}

/**
 * An error of WebGPU's as heed reports it.
 * @param what the function to blame
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
