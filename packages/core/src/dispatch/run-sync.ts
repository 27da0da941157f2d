import { ValidationError } from '../errors.ts';

/** The value of `fn()`. @throws ValidationError it is a promise, whose work would come too late */
export function runSync<T>(name: string, fn: () => T): T {
  const result = fn();
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
    (result as unknown as PromiseLike<unknown>).then(undefined, () => {});
    throw new ValidationError(
      `${name}: fn must be synchronous; got one that returns a promise. Await outside, dispatch inside.`,
    );
  }
  return result;
}
