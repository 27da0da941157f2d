type SetImmediate = (turn: () => void) => void;

// Milliseconds of sleep per turn of the event loop.
const nap = 0.2;

let waiting = 0;
let isTurning = false;
let cell: Int32Array | undefined;

/**
 * Node's `webgpu` polls for results at the full load of a core, through `setImmediate`. An adapter that computes on the CPU
 * has to share that core, and is slower by a third on two; so while a result of one is awaited, each turn of the event loop
 * sleeps a little. Elsewhere this does nothing: Deno has `setImmediate` too, but looks for results between its turns.
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
  // One chain of turns, however many wait: each of them would sleep.
  if (!isTurning) setImmediate(turn);
  isTurning = true;
  return work.finally(() => waiting--);
}

// Devices that look for finished work by a slow timer and at each submit, with how many wait on each.
const slow = new WeakMap<GPUDevice, number>();

// Milliseconds within which an idle device answers, slow ones aside.
const prompt = 10;

/**
 * Finds out how a device tells that work is done: Firefox looks for it every 100 ms, and whenever something is submitted. No
 * property tells, so it is measured: an idle device is late with its answer, and an empty submit brings it. Resolves when that
 * is known, or soon where the device is busy. Node's `webgpu` has its own way (see {@link breathing}).
 */
export async function watchCompletion(device: GPUDevice): Promise<void> {
  if (!('setImmediate' in globalThis)) await isWithin(measured(device), 5 * prompt);
}

async function measured(device: GPUDevice): Promise<void> {
  const { queue } = device;
  // Twice in a row: the timer of a slow device may be due just now, and a busy one may have done.
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

/** Whether the promise is settled in so many milliseconds. */
function isWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms));
  // A lost device answers by failing.
  const answered = () => true;
  return Promise.race([work.then(answered, answered), late]);
}

/** While the work is awaited, empty submits let a slow device look for its end. */
export function nudging<T>(device: GPUDevice, work: Promise<T>): Promise<T> {
  const waits = slow.get(device);
  if (waits === undefined) return work;
  const turn = (): void => {
    if (slow.get(device) === 0) return;
    device.queue.submit([]);
    setTimeout(turn, 1);
  };
  // One chain of turns, however many wait.
  if (waits === 0) setTimeout(turn, 1);
  slow.set(device, waits + 1);
  return work.finally(() => slow.set(device, slow.get(device)! - 1));
}
