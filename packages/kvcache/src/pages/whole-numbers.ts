import { fail, show } from '@heed/core/kernel';

/** Throws unless `value` is a whole number from `least` to `most`. */
export function checkWhole(
  fn: string,
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
    return;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  fail(fn, `${name} must be a whole number ${range}`, show(value), 'Pass such a number.');
}

/** Throws unless every token is a whole number that fits 32 bits. */
export function checkTokens(fn: string, tokens: unknown): asserts tokens is ArrayLike<number> {
  const list = tokens as ArrayLike<number>;
  if (typeof tokens !== 'object' || tokens === null || !Number.isSafeInteger(list.length)) {
    fail(fn, 'tokens must be a list of numbers', show(tokens), 'Pass an array or a typed array.');
  }
  if (tokens instanceof Uint32Array) return;
  for (let i = 0; i < list.length; i++) {
    // Tokenizers also give BigInt64Array.
    const token: unknown = list[i];
    if (typeof token === 'number' && token >>> 0 === token) continue;
    const rule = `tokens[${i}] must be a whole number from 0 to 2³² − 1`;
    fail(fn, rule, show(token), "Pass the tokenizer's ids as numbers.");
  }
}
