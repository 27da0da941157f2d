import { fail, show } from '../fail.ts';

/** The value of `fn()`. @throws ValidationError it is a promise, whose work would come too late */
export function runSync<T>(name: string, fn: () => T): T {
  if (typeof fn !== 'function') fail(name, 'fn must be a function', show(fn), 'Pass () => …');
  const result = fn();
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
    (result as unknown as PromiseLike<unknown>).then(undefined, () => {});
    fail(name, 'fn must be synchronous', 'one that returns a promise', 'Await outside of it.');
  }
  return result;
}
