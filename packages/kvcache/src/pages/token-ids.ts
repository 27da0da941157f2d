/** Token ids: whole numbers from 0 to 2³² − 1. Tokenizers give them in 64 bits too. */
export type TokenIds = ArrayLike<number> | BigInt64Array | BigUint64Array;

/** Throws an error that says what the tokens must be, what they are, and what to do. */
type Refuse = (rule: string, got: unknown, fix: string) => never;

/** Returns token ids as numbers. This file needs no other package: routers use it without core. */
export function tokenIds(tokens: TokenIds, refuse: Refuse): ArrayLike<number> {
  if (typeof tokens !== 'object' || tokens === null || !Number.isSafeInteger(tokens.length)) {
    return refuse('tokens must be a list of numbers', tokens, 'Pass an array or a typed array');
  }
  if (tokens instanceof Uint32Array) return tokens;
  const isWide = tokens instanceof BigInt64Array || tokens instanceof BigUint64Array;
  const ids = isWide ? Float64Array.from(tokens as BigInt64Array, Number) : tokens;
  for (let i = 0; i < ids.length; i++) {
    const token: unknown = ids[i];
    if (typeof token === 'number' && token >>> 0 === token) continue;
    const rule = `tokens[${i}] must be a whole number from 0 to 2³² − 1`;
    refuse(rule, tokens[i], "Pass the tokenizer's ids");
  }
  return ids;
}
