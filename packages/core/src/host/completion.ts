type SetImmediate = (turn: () => void) => void;

// Milliseconds of sleep per turn of the event loop.
const nap = 0.2;

let waiting = 0;
let isTurning = false;
let cell: Int32Array | undefined;

/**
 * Sleeps a little per turn of the event loop while `work` is awaited, on adapters that compute on the CPU. Node's `webgpu` polls for
 * results through `setImmediate` and keeps one core busy; on two cores, a CPU adapter is slower by a third without this. It does
 * nothing on other adapters, and nothing in Deno, which has `setImmediate` but looks for results between turns.
 */
export function breathing<T>(info: GPUAdapterInfo | undefined, work: Promise<T>): Promise<T> {
  const { setImmediate } = globalThis as { setImmediate?: SetImmediate };
  if (!setImmediate || 'Deno' in globalThis || !info?.isFallbackAdapter) return work;
  const sleeper = (cell ??= new Int32Array(new SharedArrayBuffer(4)));
  const turn = (): void => {
    isTurning = waiting > 0;
    if (!isTurning) return;
    Atomics.wait(sleeper, 0, 0, nap);
    setImmediate(turn);
  };
  waiting++;
  // One chain of turns for all that wait, since each chain would sleep.
  if (!isTurning) setImmediate(turn);
  isTurning = true;
  return work.finally(() => waiting--);
}

// Devices that look for finished work by a slow timer and at each submit, with the number of waits on each.
const slow = new WeakMap<GPUDevice, number>();

// Milliseconds within which an idle device reports, unless it is slow.
const prompt = 10;

/**
 * Measures how a device reports finished work, since no property says it. Firefox looks for finished work every 100 ms and at each
 * submit: an idle device then reports late, or at once after an empty submit. Resolves when this is known, or after a short time if
 * the device is busy. Node's `webgpu` polls instead (see {@link breathing}).
 */
export async function watchCompletion(device: GPUDevice): Promise<void> {
  if (!('setImmediate' in globalThis)) await isWithin(measured(device), 5 * prompt);
}

async function measured(device: GPUDevice): Promise<void> {
  const { queue } = device;
  // Two equal results in a row: the timer of a slow device may be due just now, and a busy device may have just finished.
  for (let inTime = 0, late = 0; inTime < 2;) {
    const done = queue.onSubmittedWorkDone();
    if (await isWithin(done, prompt)) {
      inTime++;
      continue;
    }
    inTime = 0;
    queue.submit([]);
    if (!(await isWithin(done, prompt))) await done.catch(() => {});
    else if (++late === 2) return void slow.set(device, 0);
  }
}

/** Resolves to true if the promise settles within `ms` milliseconds. */
function isWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms));
  // The promise of a lost device rejects.
  const answered = () => true;
  return Promise.race([work.then(answered, answered), late]);
}

/** Sends empty submits while `work` is awaited, so that a slow device looks for finished work. */
export function nudging<T>(device: GPUDevice, work: Promise<T>): Promise<T> {
  const waits = slow.get(device);
  if (waits === undefined) return work;
  const turn = (): void => {
    if (slow.get(device) === 0) return;
    device.queue.submit([]);
    setTimeout(turn, 1);
  };
  // One chain of turns for all that wait.
  if (waits === 0) setTimeout(turn, 1);
  slow.set(device, waits + 1);
  return work.finally(() => slow.set(device, slow.get(device)! - 1));
}
