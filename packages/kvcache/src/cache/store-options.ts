import type { Meant, NamesOf } from '@heed/core/kernel';

/** Options that `save` and `load` share. */
export interface StoreOptions {
  /**
   * Distinguishes models that share a store. It must name the weights and the tokenizer, which the names of pages do not. At most 80
   * characters, of which all but a–z 0–9 - count as 5. Required except for `memoryStore()`; '' says that the store serves one model
   * only.
   */
  readonly namespace?: string;
  /**
   * An HMAC key with SHA-256 (usages 'sign' and 'verify'), which seals and verifies records. Without it, records have a SHA-256,
   * which finds damage: whoever can write to the store can also write records.
   */
  readonly key?: CryptoKey;
  /** On abort, the call rejects with the reason at once, also while the store does not answer. What was done stays. */
  readonly signal?: AbortSignal;
  /** Called after each record. Lost records count as done. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export const storeNames: NamesOf<StoreOptions> = { namespace: 1, key: 1, signal: 1, onProgress: 1 };

export const meantStore: Meant = () => ({
  model: 'namespace',
  name: 'namespace',
  hmac: 'key',
  secret: 'key',
  seqs: 'sequences',
  sequence: 'sequences',
  abort: 'signal',
  progress: 'onProgress',
});
