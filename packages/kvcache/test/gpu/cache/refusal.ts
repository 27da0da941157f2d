import { HeedError } from '@heed/core';
import { expect } from 'vitest';
import type { CacheOptions } from '../../../src/index.ts';

export const sound: CacheOptions = {
  layers: 2,
  kvHeads: 2,
  headDim: 4,
  headDimV: 6,
  pageSize: 4,
  pages: 8,
  dtype: 'f32',
  poison: true,
};

/** A call, and the exact error that it must throw or reject with. */
export type Refusal = readonly [
  call: () => unknown,
  kind: new (...args: never[]) => HeedError,
  message: string,
];

/** Expects an exact message, which names the function, the rule, the value and the fix. */
export async function expectRefusal([call, kind, message]: Refusal): Promise<void> {
  let error: unknown;
  try {
    await call();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(kind);
  expect(HeedError.is(error)).toBe(true);
  expect((error as Error).message).toBe(message);
}
