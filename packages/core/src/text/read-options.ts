import { fail, show } from './errors.ts';

/**
 * The table of a function's options, by name: 1 for a value or a list, 'data' for an object whose names are the caller's, a
 * table for an object of options.
 */
export interface OptionNames {
  readonly [name: string]: OptionKind;
}

type OptionKind = 1 | 'data' | OptionNames;

/** The table that an interface of options has: none of its names may be missing, and no other may be there. */
export type NamesOf<O> = { readonly [Name in keyof O]-?: OptionKind };

/**
 * What is meant by a name that a function does not have: an option that it has, or a sentence that says what to do. By names
 * in small letters, without _ and -. Asked for only once there is such a name.
 */
export type Meant = () => Readonly<Record<string, string>>;

/** A name as it is looked up in what may be meant: however it is spelled in another library. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '');

/** Options that are at home in another function, for {@link Meant}. */
export function optionsOf(where: string, names: object): Record<string, string> {
  return Object.fromEntries(
    Object.keys(names).map((name) => [plain(name), `${name} is an option of ${where}.`]),
  );
}

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

/** A 64-bit list as a 32-bit one, if its values fit; anything else as it is, for a check to refuse. */
export function narrowed<T>(x: T): T | Int32Array {
  if (!(x instanceof BigInt64Array)) return x;
  const list = Int32Array.from(x, Number);
  return list.every((n, i) => BigInt(n) === x[i]) ? list : x;
}

// What a message can show, and a comparison take.
const MOST_LISTED = 40;
const MOST_COMPARED = 400;
const LONGEST = 40;

/** "Did you mean …? " where a known name is close to the one written, else nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === undefined ? '' : `Did you mean ${near}? `;
}

/** A remedy for an unknown name: the nearest one, and all of them. */
export function knownNames(name: string, names: readonly string[]): string {
  const hint = didYouMean(name, names);
  if (names.length === 0) return `${hint}There are none.`;
  const more = names.length - MOST_LISTED;
  const listed = names.slice(0, MOST_LISTED).join(', ');
  return `${hint}There are ${listed}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** The known name that is close to the one written, if there is one. */
function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  return names
    .slice(0, MOST_COMPARED)
    .filter((other) => other.length <= LONGEST)
    .map((other) => ({ other, edits: distance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, edits }) => edits <= Math.min(name.length, other.length) / 3)
    .toSorted((a, b) => a.edits - b.edits)[0]?.other;
}

/** How many letters to insert, delete, change or swap with the next (optimal string alignment). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  let above: number[] = [];
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = row[j]! + Number(a[i] !== b[j]);
      const isSwapped = i > 0 && j > 0 && a[i] === b[j - 1] && a[i - 1] === b[j];
      const swapped = isSwapped ? above[j - 1]! + 1 : changed;
      next.push(Math.min(changed, swapped, row[j + 1]! + 1, next[j]! + 1));
    }
    above = row;
    row = next;
  }
  return row.at(-1)!;
}
