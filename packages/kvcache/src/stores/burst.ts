/** Calls that follow each other within this time belong together. */
const quietMs = 10_000;
/** A busy process never falls quiet. */
const longestMs = 60_000;

/**
 * A clock that gives calls in quick succession one time. A prefix is read page by page, first page first; by an exact clock its
 * first page would look older than its last, and be given up before it.
 */
export function burstClock(now: () => number = Date.now): () => number {
  let [start, last] = [-Infinity, -Infinity];
  return () => {
    const time = now();
    if (time - last > quietMs || time - start > longestMs || time < last) start = time;
    last = time;
    return start;
  };
}
