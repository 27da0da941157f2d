/** What kind of failure a {@link HeedError} stands for. */
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
    // Spelled from the code ('device-lost' → DeviceLostError), since minifiers rename classes.
    this.name = `${code.replaceAll(/(?:^|-)\w/g, (c) => c.slice(-1).toUpperCase())}Error`;
    Object.defineProperty(this, marker, { value: true });
  }

  /** True for any heed error, also one made by another installed copy of this package, where `instanceof` fails. */
  static is(x: unknown): x is HeedError {
    return typeof x === 'object' && x !== null && marker in x;
  }
}

/** An argument breaks a rule of the function it was given to. */
export class ValidationError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('validation', message, options);
  }
}

/** The arguments are sound, but this device or this version cannot do it. */
export class UnsupportedError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('unsupported', message, options);
  }
}

/** A size is above a limit of the device. */
export class LimitError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('limit', message, options);
  }
}

/** A place in a source text, lines and columns counted from 1. */
export interface SourcePlace {
  readonly line: number;
  readonly column: number;
  /** Characters. */
  readonly length: number;
}

/**
 * Source text (a user's function, or generated WGSL) was refused by a compiler. The message shows the place; the fields say it,
 * counted from the start of that text, where there is one to blame.
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

/** A pool of fixed size is full; nothing was changed. */
export class CapacityError extends HeedError {
  constructor(message: string, options?: ErrorOptions) {
    super('capacity', message, options);
  }
}

/** The GPU device is gone; every pending and later call fails with this. */
export class DeviceLostError extends HeedError {
  /** WebGPU's reason: 'destroyed' when somebody called `device.destroy()`, else 'unknown'. */
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

/** The GPU itself refused work that the host could not check: `read()` and `settled()` reject with it. */
export class GpuError extends HeedError {
  readonly kind: 'validation' | 'out-of-memory' | 'internal';
  constructor(message: string, kind: GpuError['kind'], options?: ErrorOptions) {
    super('gpu', message, options);
    this.kind = kind;
  }
}
