import { fail, show } from '@heed/core/kernel';
import { tokenIds, type TokenIds } from './token-ids.ts';

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

/** Returns token ids as numbers. @throws ValidationError no list, or a token that is no whole number of 32 bits */
export function checkTokens(fn: string, tokens: TokenIds): ArrayLike<number> {
  return tokenIds(tokens, (rule, got, fix) => fail(fn, rule, show(got), `${fix}.`));
}
