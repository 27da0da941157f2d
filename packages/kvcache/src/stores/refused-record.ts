/** Which rule a record breaks; the first in this order. */
export type Refusal =
  | 'not a record'
  | 'version'
  | 'truncated'
  | 'too long'
  | 'checksum'
  | 'geometry'
  | 'name'
  | 'depth'
  | 'payload';

/** In place of a page whose record cannot be used. Data, not an error: the rest of a store still loads. */
export interface RefusedRecord {
  readonly refused: Refusal;
  /** What was found and what was wanted, in words. */
  readonly reason: string;
}

export const refuse = (refused: Refusal, reason: string): RefusedRecord => ({ refused, reason });
