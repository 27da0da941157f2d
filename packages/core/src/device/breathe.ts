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
