import { ValidationError } from './errors.ts';

/** Throws: which function, the rule, what was got, the fix. */
export function fail(fn: string, rule: string, got: string | number, fix: string): never {
  throw new ValidationError(`${fn}: ${rule}; got ${got}. ${fix}`);
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  return value.constructor?.name ?? 'an object';
}
