/** The kind of a {@link HeedError}. */
export type ErrorCode =
  | 'validation'
  | 'unsupported'
  | 'limit'
  | 'compile'
  | 'capacity'
  | 'device-lost'
  | 'disposed'
  | 'gpu';

const marker = Symbol.for('heed.error');

/**
 * Base of every error that heed throws or rejects with. Its message names the function, the rule, the values got and the fix.
 *
 * @example
 * try { run() } catch (e) { if (HeedError.is(e) && e.code === 'limit') shrink(); else throw e }
 */
export class HeedError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // Made from the code ('device-lost' → DeviceLostError), since minifiers rename classes.
    this.name = `${code.replaceAll(/(?:^|-)\w/g, (c) => c.slice(-1).toUpperCase())}Error`;
    Object.defineProperty(this, marker, { value: true });
  }

  /** True for any heed error, also one made by another installed copy of this package, where `instanceof` fails. */
  static is(x: unknown): x is HeedError {
    return typeof x === 'object' && x !== null && marker in x;
  }
}

/** An argument breaks a rule of its function. */
export class ValidationError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('validation', message, options);
  }
}

/** The arguments are valid, but this device or this version of heed does not support them. */
export class UnsupportedError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('unsupported', message, options);
  }
}

/** A size exceeds a limit of the device. */
export class LimitError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('limit', message, options);
  }
}

/** A position in a source text; lines and columns count from 1. */
export interface SourcePlace {
  readonly line: number;
  readonly column: number;
  /** Characters. */
  readonly length: number;
}

/**
 * A compiler refused source text: a user's function, or generated WGSL. The message shows the position. The fields hold it, counted
 * from the start of that text, if the compiler names one.
 */
export class CompileError extends HeedError {
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly length: number | undefined;
  constructor(message: string, options: ErrorOptions & Partial<SourcePlace> = {}) {
    super('compile', message, options);
    this.line = options.line;
    this.column = options.column;
    this.length = options.length;
  }
}

/** A pool of fixed size is full. The failed call changed nothing. */
export class CapacityError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('capacity', message, options);
  }
}

/** The GPU device is lost. All pending and later calls fail with this error. */
export class DeviceLostError extends HeedError {
  /** WebGPU's reason: 'destroyed' after a call of `device.destroy()`, else 'unknown'. */
  readonly reason: string;
  constructor(message: string, reason: string, options?: ErrorOptions) {
    super('device-lost', message, options);
    this.reason = reason;
  }
}

/** A tensor, plan or Gpu was used after its `dispose()`. */
export class DisposedError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('disposed', message, options);
  }
}

/** The GPU refused work that the host could not check. `read()` and `settled()` reject with this error. */
export class GpuError extends HeedError {
  readonly kind: 'validation' | 'out-of-memory' | 'internal';
  constructor(message: string, kind: GpuError['kind'], options?: ErrorOptions) {
    super('gpu', message, options);
    this.kind = kind;
  }
}

/** Throws a ValidationError that names the function, the rule, the value it got, and the fix. */
export function fail(fn: string, rule: string, got: string | number, fix: string): never {
  throw new ValidationError(`${fn}: ${rule}; got ${got}. ${fix}`);
}

/** @throws ValidationError `signal` is no AbortSignal */
export function checkSignal(fn: string, signal: unknown): void {
  if (signal === undefined || typeof (signal as AbortSignal)?.throwIfAborted === 'function') return;
  fail(fn, 'signal must be an AbortSignal', show(signal), 'Pass controller.signal.');
}

export function checkLabel(fn: string, label: unknown): void {
  if (typeof label !== 'string') fail(fn, 'label must be a string', show(label), 'Leave it out.');
}

// Elements of an array: enough for any shape.
const MAX_SHOWN = 8;

/** Returns a value as messages show it. */
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

/**
 * Returns the value of `fn()`.
 * @throws ValidationError it is a promise: its work would come too late
 */
export function runSync<T>(name: string, fn: () => T): T {
  if (typeof fn !== 'function') fail(name, 'fn must be a function', show(fn), 'Pass () => …');
  const result = fn();
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
    (result as unknown as PromiseLike<unknown>).then(undefined, () => {});
    fail(name, 'fn must be synchronous', 'one that returns a promise', 'Await outside of it.');
  }
  return result;
}
