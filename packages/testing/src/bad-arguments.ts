import { HeedError } from '@heed/core';

const isObject = (x: unknown): x is object => typeof x === 'object' && x !== null;

/** True for values that a caller may overwrite: lists, and objects made by { … }. */
function isArgument(x: unknown): x is object {
  return isObject(x) && (Array.isArray(x) || Object.getPrototypeOf(x) === Object.prototype);
}

/** Returns another value of the same kind, which no call may use. */
function garbage(x: unknown): unknown {
  if (typeof x === 'number') return 7 - x;
  if (typeof x === 'boolean') return !x;
  if (typeof x === 'string') return `not ${x}`;
  if (typeof x === 'function') return (): never => expectNoCall();
  return undefined;
}

function expectNoCall(): never {
  throw new Error('a function was called that an argument was overwritten with');
}

/** Overwrites everything that a caller may write: elements of lists and fields of plain objects, at any depth. */
export function scribble(x: unknown): void {
  if (ArrayBuffer.isView(x)) new Uint8Array(x.buffer, x.byteOffset, x.byteLength).fill(0xa5);
  if (!isArgument(x)) return;
  const fields = x as Record<string, unknown>;
  for (const name of Object.keys(fields)) {
    scribble(fields[name]);
    fields[name] = garbage(fields[name]);
  }
}

/** Wraps an argument so that the first read of each field returns its value, and every further read garbage. */
export function readableOnce<T>(x: T): T {
  if (!isArgument(x)) return x;
  const read = new Set<PropertyKey>();
  return new Proxy(x, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (!Object.hasOwn(target, name) || name === 'length') return value;
      if (read.has(name)) return isObject(value) ? undefined : garbage(value);
      read.add(name);
      return readableOnce(value);
    },
  });
}

/** Any function. */
export type Call = (...args: unknown[]) => unknown;

/** Wrong values of arguments and options. Some are valid for some arguments, and need not be refused there. */
const junk: readonly unknown[] = [
  null,
  -1,
  Number.NaN,
  10n,
  'abc',
  Symbol('s'),
  [null, 1],
  Object.create(null),
  () => 1,
  new Float64Array(2),
];

/** Replaces each argument and each option of a call by junk in turn; returns the thrown errors that are not heed's. */
export async function strangers(
  name: string,
  call: Call,
  args: readonly unknown[],
  options: readonly string[] = [],
): Promise<string[]> {
  const wrong = args.flatMap((_, at) => junk.map((x) => args.with(at, x)));
  const given = args.at(-1) as object;
  for (const option of options) {
    for (const x of junk) wrong.push(args.with(args.length - 1, { ...given, [option]: x }));
  }
  const found: string[] = [];
  for (const list of wrong) {
    try {
      const result = await call(...list);
      (result as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
    } catch (error) {
      if (!HeedError.is(error)) found.push(`${name}: ${String(error)}`);
    }
  }
  return found;
}

/** Returns a method as a function. */
export const methodOf = (of: object, name: string): Call => {
  const method = (of as Record<string, Call>)[name]!;
  return (...args) => method.apply(of, args);
};
