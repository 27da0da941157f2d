import { UnsupportedError, ValidationError } from '@heed/core';

/** A JSON object as it was read. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a configuration key by key, and refuses what nobody has read: a key that this program does not know would otherwise change
 * the model without a word. Keys that are absent, null or false request nothing.
 */
export class ConfigReader {
  readonly #values: Json;
  readonly #place: string;
  readonly #unread: Set<string>;

  /** @param place names the object in messages: a file, or a file and a key */
  constructor(values: unknown, place: string) {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new ValidationError(`${place}: it must be an object; got ${JSON.stringify(values)}.`);
    }
    this.#values = values as Json;
    this.#place = place;
    this.#unread = new Set(Object.keys(values));
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined && this.#values[key] !== null;
  }

  /** Returns the value as it is. */
  raw(key: string): unknown {
    this.#unread.delete(key);
    return this.#values[key] ?? undefined;
  }

  whole(key: string, otherwise?: number): number {
    const value = this.raw(key) ?? otherwise;
    if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
    return this.#malformed(key, 'a whole number above 0', value);
  }

  number(key: string, otherwise?: number): number {
    const value = this.raw(key) ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.#malformed(key, 'a number', value);
  }

  boolean(key: string, otherwise: boolean): boolean {
    const value = this.raw(key) ?? otherwise;
    if (typeof value === 'boolean') return value;
    return this.#malformed(key, 'true or false', value);
  }

  /** Reads a number or a list of numbers. */
  numbers(key: string): number[] {
    const value = [this.raw(key) ?? []].flat();
    if (value.every(Number.isSafeInteger)) return value as number[];
    return this.#malformed(key, 'whole numbers', value);
  }

  /** Reads one of the names that this program implements. */
  oneOf<const Name extends string>(key: string, known: readonly Name[], otherwise?: Name): Name {
    const value = this.raw(key) ?? otherwise;
    const found = known.find((name) => name === value);
    if (found !== undefined) return found;
    throw this.#unsupported(key, value, `It implements ${known.join(', ')}.`);
  }

  /** Reads a list of such names. */
  listOf<const Name extends string>(key: string, known: readonly Name[]): Name[] | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) return this.#malformed(key, 'a list', value);
    return value.map((item) => {
      const found = known.find((name) => name === item);
      if (found !== undefined) return found;
      throw this.#unsupported(key, item, `It implements ${known.join(', ')}.`);
    });
  }

  object(key: string): ConfigReader | undefined {
    const value = this.raw(key);
    return value === undefined ? undefined : new ConfigReader(value, `${this.#place}: ${key}`);
  }

  /** Reads keys that do not change what a model computes. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#unread.delete(key);
  }

  /** Reads a key of which one value is implemented. */
  only(key: string, value: unknown): void {
    const got = this.raw(key) ?? value;
    if (got !== value) throw this.#unsupported(key, got, `It implements ${JSON.stringify(value)}.`);
  }

  /**
   * Ends the reading.
   * @throws UnsupportedError a key was not read, and its value is neither null nor false
   */
  finish(): void {
    for (const key of this.#unread) {
      const value = this.#values[key];
      if (value !== null && value !== false) throw this.#unsupported(key, value);
    }
  }

  #unsupported(key: string, value: unknown, more = 'Use another checkpoint.'): UnsupportedError {
    const text = JSON.stringify(value)?.slice(0, 200);
    return new UnsupportedError(
      `${this.#place}: this program does not implement ${key} = ${text}. ${more}`,
    );
  }

  #malformed(key: string, want: string, got: unknown): never {
    throw new ValidationError(
      `${this.#place}: ${key} must be ${want}; got ${JSON.stringify(got)}. Check the file.`,
    );
  }
}
