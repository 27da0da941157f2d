import { checkNames, checkNumber } from './refuse.ts';

/** Rates by which loading and computing are compared, as they were measured. */
export interface LoadRates {
  /** Tokens that a store has, and the cache has not. */
  readonly tokens: number;
  /** Bytes of their pages, per token. */
  readonly bytesPerToken: number;
  /** Of the store, over the network. */
  readonly bytesPerSecond: number;
  /** Prompt tokens that the worker computes per second. */
  readonly tokensPerSecond: number;
  /** Of the worker's own processor, for checksums and uploads. Default: 0. */
  readonly cpuSecondsPerByte?: number;
  /** Until the first byte. Default: 0. */
  readonly roundTripMs?: number;
  /** Fewer are computed, whatever the rates. Default: 256. */
  readonly minTokens?: number;
}

/** Which is faster, and both estimates. */
export interface LoadDecision {
  readonly load: boolean;
  readonly loadMs: number;
  readonly computeMs: number;
}

const rateNames: { readonly [K in keyof Required<LoadRates>]: 1 } = {
  tokens: 1,
  bytesPerToken: 1,
  bytesPerSecond: 1,
  tokensPerSecond: 1,
  cpuSecondsPerByte: 1,
  roundTripMs: 1,
  minTokens: 1,
};

/**
 * Returns whether a prefix is loaded from a store sooner than it is computed.
 *
 * Source: SGLang's HiCache prefetches from 256 tokens on; Mooncake (FAST '25), equation 2.
 *
 * @throws ValidationError rates that are not numbers from 0 on
 *
 * @example
 * const rates = { bytesPerToken: 32_768, bytesPerSecond: 500e6, tokensPerSecond: 1000 };
 * const { load } = loadOrCompute({ ...rates, tokens: 2048 }); // 134 ms against 2,048
 */
export function loadOrCompute(rates: LoadRates): LoadDecision {
  const fn = 'loadOrCompute';
  checkNames(fn, 'rates', rates, rateNames);
  const { cpuSecondsPerByte = 0, roundTripMs = 0, minTokens = 256 } = rates;
  const { tokens, bytesPerToken, bytesPerSecond, tokensPerSecond } = rates;
  const all = { tokens, bytesPerToken, bytesPerSecond, tokensPerSecond };
  for (const [name, value] of Object.entries({
    ...all,
    cpuSecondsPerByte,
    roundTripMs,
    minTokens,
  })) {
    checkNumber(fn, name, value);
  }
  const bytes = tokens * bytesPerToken;
  const loadMs = roundTripMs + 1000 * (over(bytes, bytesPerSecond) + bytes * cpuSecondsPerByte);
  const computeMs = 1000 * over(tokens, tokensPerSecond);
  return { load: tokens >= minTokens && loadMs < computeMs, loadMs, computeMs };
}

/** Returns the time for an amount, which is none for nothing, even at the rate 0. */
const over = (amount: number, rate: number): number => (amount === 0 ? 0 : amount / rate);
