import { ValidationError } from './errors.ts';

/** Throws: which function, the rule, what was got, the fix. */
export function fail(fn: string, rule: string, got: string | number, fix: string): never {
  throw new ValidationError(`${fn}: ${rule}; got ${got}. ${fix}`);
}

/** @throws ValidationError a signal that is none */
export function checkSignal(fn: string, signal: unknown): void {
  if (signal === undefined || typeof (signal as AbortSignal)?.throwIfAborted === 'function') return;
  fail(fn, 'signal must be an AbortSignal', show(signal), 'Pass controller.signal.');
}

// Of an array: enough for any shape.
const MAX_SHOWN = 8;

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_SHOWN).map(show).join(', ');
    return value.length > MAX_SHOWN ? `[${shown}, … ${value.length} in all]` : `[${shown}]`;
  }
  if (value === null || typeof value !== 'object') return String(value);
  return value.constructor?.name ?? 'an object';
}
