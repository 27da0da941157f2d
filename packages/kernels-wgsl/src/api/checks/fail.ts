import { ValidationError } from '@heed/core';

/** Throws: which function, the rule, what was got, the fix. */
export function fail(fn: string, rule: string, got: string, fix: string): never {
  throw new ValidationError(`${fn}: ${rule}; got ${got}. ${fix}`);
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  return value.constructor?.name ?? 'an object';
}
