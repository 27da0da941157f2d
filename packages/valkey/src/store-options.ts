import { type Clock, type CommandLimits, systemClock } from './commands.ts';
import { checkNames, checkNumber, refuse } from './valkey-errors.ts';

/** Options of `valkeyStore`. */
export interface ValkeyStoreOptions {
  /** Of all keys of the store. Default: `'heed:pages:'`. */
  readonly prefix?: string;
  /** Seconds after which an entry that nobody reads is gone, 1 or more. Default: 86,400. */
  readonly ttlSeconds?: number;
  /** Milliseconds that a command may take beside the time for bytes. Default: 250. */
  readonly deadlineMs?: number;
  /** The slowest rate that counts as an answer. Default: 20,000,000. */
  readonly minBytesPerSecond?: number;
  /** Most bytes in flight; at least one entry is. Default: 8 MiB. */
  readonly batchBytes?: number;
  /** After this many commands without any answer (default 5), calls fail at once for `coolMs` (default 2,000). */
  readonly breaker?: { readonly failures?: number; readonly coolMs?: number };
  /** For tests. Default: `performance.now` and timers. */
  readonly clock?: Clock;
}

export const valkeyStoreNames: { readonly [K in keyof Required<ValkeyStoreOptions>]: 1 } = {
  prefix: 1,
  ttlSeconds: 1,
  deadlineMs: 1,
  minBytesPerSecond: 1,
  batchBytes: 1,
  breaker: 1,
  clock: 1,
};

/** Options with their defaults. */
interface StoreSettings extends CommandLimits {
  readonly prefix: string;
  readonly ttlSeconds: number;
}

export function checkStoreOptions(fn: string, options: ValkeyStoreOptions): StoreSettings {
  checkNames(fn, options, valkeyStoreNames);
  const { prefix = 'heed:pages:', ttlSeconds = 86_400, deadlineMs = 250 } = options;
  const { minBytesPerSecond = 20e6, batchBytes = 8 * 2 ** 20 } = options;
  const { breaker = {}, clock = systemClock } = options;
  if (typeof prefix !== 'string') refuse(fn, 'prefix must be a string', prefix, 'Leave it out.');
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
    refuse(
      fn,
      'ttlSeconds must be a whole number from 1 on',
      ttlSeconds,
      'Leave it out for a day.',
    );
  }
  checkNumber(fn, 'deadlineMs', deadlineMs, 1);
  checkNumber(fn, 'minBytesPerSecond', minBytesPerSecond, 1);
  checkNumber(fn, 'batchBytes', batchBytes, 1);
  checkNames(`${fn}, breaker`, breaker, { failures: 1, coolMs: 1 });
  const { failures = 5, coolMs = 2000 } = breaker;
  checkNumber(fn, 'breaker.failures', failures, 1);
  checkNumber(fn, 'breaker.coolMs', coolMs, 0);
  if (typeof clock?.now !== 'function') {
    refuse(fn, 'clock must have now, setTimeout and clearTimeout', clock, 'Leave it out.');
  }
  return {
    prefix,
    ttlSeconds,
    deadlineMs,
    minBytesPerSecond,
    batchBytes,
    failures,
    coolMs,
    clock,
  };
}
