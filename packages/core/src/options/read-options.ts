import { fail, show } from '../fail.ts';
import { narrowed } from './narrowed.ts';
import { nearest } from './nearest.ts';
import { type Meant, type NamesOf, type OptionNames, plain } from './option-names.ts';

/**
 * The options of a call as they are now: each is read once, lists are copied, and what is undefined is absent. The caller may
 * write into all of it as soon as the call has returned.
 *
 * @param given the caller's object; its options are its own enumerable keys
 * @param names the function's table
 * @param meant what other names stand for
 * @param what the argument is called
 * @throws ValidationError no object, or an option that the function does not have
 */
export function readOptions<O extends object>(
  fn: string,
  given: O | undefined,
  names: NamesOf<O>,
  meant?: Meant,
  what = 'options',
): O {
  return read(fn, given === undefined ? {} : given, names, meant, what) as O;
}

type Values = Record<string, unknown>;

function read(
  fn: string,
  given: unknown,
  names: OptionNames,
  meant: Meant | undefined,
  what: string,
): Values {
  // A Map, a Promise or what only inherits its options would count as none at all.
  if (!isObject(given) || (Object.keys(given).length === 0 && !isPlain(given))) {
    fail(fn, `${what} must be an object`, show(given), 'Pass { … }, with all names its own.');
  }
  const values: Values = {};
  for (const name of Object.keys(given)) {
    const value: unknown = given[name as keyof typeof given];
    if (value === undefined) continue;
    if (!Object.hasOwn(names, name)) {
      const all = `There are ${Object.keys(names).join(', ')}.`;
      const fix = `${remedy(name, names, meant?.() ?? {})} ${all}`;
      fail(fn, `there is no ${name} in ${what}`, show(value), fix);
    }
    const kind = names[name]!;
    if (typeof kind === 'object') values[name] = read(fn, value, kind, undefined, name);
    else values[name] = kind === 'data' || isList(value) ? copyOf(value) : value;
  }
  return values;
}

/**
 * A copy of lists and of objects made by { … }, all the way down, 64-bit lists as 32-bit ones. Anything else in them is itself:
 * a tensor, a function, a buffer.
 */
export function copyOf<T>(x: T, seen: Map<unknown, unknown> = new Map<unknown, unknown>()): T {
  if (seen.has(x)) return seen.get(x) as T;
  // A typed array whose memory was taken away cannot be copied, and has no element.
  if (isTyped(x)) return narrowed(x.length > 0 ? Int32Array.prototype.slice.call(x) : x) as T;
  if (!Array.isArray(x) && !(isObject(x) && isPlain(x))) return x;
  const copy: Values | unknown[] = Array.isArray(x) ? [] : {};
  seen.set(x, copy);
  for (const name of Object.keys(x)) {
    (copy as Values)[name] = copyOf((x as Values)[name], seen);
  }
  return copy as T;
}

const isObject = (x: unknown): x is object => typeof x === 'object' && x !== null;

const isTyped = (x: unknown): x is Int32Array => ArrayBuffer.isView(x) && 'length' in x;

const isList = (x: unknown): boolean => isTyped(x) || Array.isArray(x);

/** Made by { … }, of whatever realm, or without a prototype. */
function isPlain(x: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(x);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function remedy(name: string, names: OptionNames, others: ReturnType<Meant>): string {
  const own = Object.keys(names);
  const wanted = plain(name);
  const other = (known: string | undefined): string | undefined =>
    known !== undefined && Object.hasOwn(others, known) ? others[known] : undefined;
  const told =
    own.find((known) => plain(known) === wanted) ??
    other(wanted) ??
    nearest(name, own) ??
    other(nearest(wanted, Object.keys(others)));
  if (told === undefined) return 'Leave it out.';
  if (told.includes(' ')) return told;
  return own.includes(told) ? `Did you mean ${told}?` : (other(plain(told)) ?? 'Leave it out.');
}
