import { missingPart } from './client.ts';

type Code = 'validation' | 'capacity' | 'disposed';

/** Returns what core's errors are to `HeedError.is`, without core. */
export function heedError(code: Code, message: string, cause?: unknown): Error {
  const error = Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code });
  error.name = `${code[0]!.toUpperCase()}${code.slice(1)}Error`;
  return Object.defineProperty(error, Symbol.for('heed.error'), { value: true });
}

/** The server gave no answer: it is down, frozen, or too slow. `code` is 'unreachable'. */
export class UnreachableError extends Error {
  readonly code = 'unreachable';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'UnreachableError';
  }
}

export function refuse(fn: string, rule: string, got: unknown, fix: string): never {
  const shown = typeof got === 'string' ? `'${got}'` : typeof got;
  const text = typeof got === 'number' ? String(got) : shown;
  throw heedError('validation', `${fn}: ${rule}; got ${text}. ${fix}`);
}

/** @throws ValidationError an option that is not in `names` */
export function checkNames(fn: string, value: unknown, names: Readonly<Record<string, 1>>): void {
  const list = Object.keys(names).join(', ');
  if (typeof value !== 'object' || value === null) {
    refuse(fn, 'options must be an object', value, `There are ${list}.`);
  }
  for (const [name, given] of Object.entries(value)) {
    if (given === undefined || Object.hasOwn(names, name)) continue;
    refuse(fn, `there is no ${name} in options`, given, `There are ${list}.`);
  }
}

/** @throws ValidationError `value` is not a number from `least` on */
export function checkNumber(fn: string, name: string, value: unknown, least: number): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return;
  refuse(fn, `${name} must be a number from ${least} on`, value, 'Leave it out for the default.');
}

/** @throws ValidationError a client that lacks a function */
export function checkClient(fn: string, client: unknown): void {
  const missing = missingPart(client);
  if (missing === undefined) return;
  const fix = "Pass a Redis or a Cluster of iovalkey's or ioredis's.";
  refuse(fn, `client must have ${missing}()`, client, fix);
}
