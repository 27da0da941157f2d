import { fail, show } from './errors.ts';

/**
 * The table of a function's options, by name: 1 for a value or a list, 'data' for an object with names of the caller, a table for an
 * object of options.
 */
export interface OptionNames {
  readonly [name: string]: OptionKind;
}

type OptionKind = 1 | 'data' | OptionNames;

/** The table of an interface of options: it has exactly the names of the interface. */
export type NamesOf<O> = { readonly [Name in keyof O]-?: OptionKind };

/**
 * Remedies for names that a function does not have: an option that it has, or a sentence that says what to do. The keys are in
 * small letters, without _ and -. Called only if there is such a name.
 */
export type Meant = () => Readonly<Record<string, string>>;

/** Returns a name as a key of {@link Meant}, whatever its spelling in another library. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '');

/** Returns remedies for the options of another function, for {@link Meant}. */
export function optionsOf(where: string, names: object): Record<string, string> {
  return Object.fromEntries(
    Object.keys(names).map((name) => [plain(name), `${name} is an option of ${where}.`]),
  );
}

/**
 * Reads the options of a call. Each is read once, lists are copied, and undefined counts as absent, so the caller may overwrite
 * everything as soon as the call returns.
 *
 * @param given the caller's object; its options are its own enumerable keys
 * @param names the function's table
 * @param meant remedies for other names
 * @param what name of the argument in messages
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
  // A Map, a Promise or an object that inherits its options would silently count as no options.
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
 * Copies lists and objects made by { … } at any depth; 64-bit lists become 32-bit ones. Other values (tensors, functions, buffers) are
 * kept as they are.
 */
export function copyOf<T>(x: T, seen: Map<unknown, unknown> = new Map<unknown, unknown>()): T {
  if (seen.has(x)) return seen.get(x) as T;
  // A typed array whose memory was detached has no elements and cannot be copied.
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

/** True for objects made by { … } in any realm, and for objects without a prototype. */
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

/** Returns a 64-bit list as a 32-bit one if its values fit; returns anything else unchanged, for a later check to refuse. */
export function narrowed<T>(x: T): T | Int32Array {
  if (!(x instanceof BigInt64Array)) return x;
  const list = Int32Array.from(x, Number);
  return list.every((n, i) => BigInt(n) === x[i]) ? list : x;
}

/** Throws for a 64-bit list that {@link narrowed} has returned as it was; the message has the first value that does not fit. */
export function checkNarrow<T>(
  fn: string,
  name: string,
  x: T,
): asserts x is Exclude<T, BigInt64Array> {
  if (!(x instanceof BigInt64Array)) return;
  const at = x.findIndex((n) => BigInt.asIntN(32, n) !== n);
  fail(fn, `${name} must fit in 32 bits`, `${show(x[at])} at ${at}`, 'Pass counts and positions.');
}

// Limits of what a message shows and of what is compared.
const MOST_LISTED = 40;
const MOST_COMPARED = 400;
const LONGEST = 40;

/** Returns "Did you mean …? " if a known name is close to the given one, else an empty string. */
export function didYouMean(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === undefined ? '' : `Did you mean ${near}? `;
}

/** Returns a remedy for an unknown name: the nearest known one, and all of them. */
export function knownNames(name: string, names: readonly string[]): string {
  const hint = didYouMean(name, names);
  if (names.length === 0) return `${hint}There are none.`;
  const more = names.length - MOST_LISTED;
  const listed = names.slice(0, MOST_LISTED).join(', ');
  return `${hint}There are ${listed}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** Returns the known name that is closest to the given one, or undefined if none is close. */
function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  return names
    .slice(0, MOST_COMPARED)
    .filter((other) => other.length <= LONGEST)
    .map((other) => ({ other, edits: distance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, edits }) => edits <= Math.min(name.length, other.length) / 3)
    .toSorted((a, b) => a.edits - b.edits)[0]?.other;
}

/** Counts the letters to insert, delete, change or swap with the next one (optimal string alignment). */
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
