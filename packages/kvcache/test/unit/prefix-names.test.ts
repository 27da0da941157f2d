import { createHash } from 'node:crypto';
import { HeedError } from '@heed/core';
import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import * as names from '../../src/names.ts';
import { prefixNames } from '../../src/index.ts';
import { lru } from '../../src/pages/eviction.ts';
import { pageName, rootName } from '../../src/pages/page-name.ts';
import { Ledger } from '../../src/sequences/ledger.ts';
import { ledgerOptions } from './ledger/plain-ledger.ts';

const nodeHash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

const anyTokens = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 40 });

/** The names under which a ledger keeps a committed prompt. */
function kept(tokens: readonly number[], pageSize: number, salt: string): string[] {
  const told: string[] = [];
  const ledger = new Ledger(ledgerOptions({ layers: 1, pageSize, pages: 40, eviction: lru }), {
    stored: ({ name }) => told.push(name),
    removed: () => {},
  });
  const state = ledger.openSequence([], salt, 0);
  ledger.append('test', 0, [state], Int32Array.of(tokens.length));
  ledger.commit('test', state, tokens);
  return told;
}

it('prefixNames gives the names under which a cache keeps the prompt, whatever the hash', () => {
  fc.assert(
    fc.property(
      anyTokens,
      fc.integer({ min: 1, max: 9 }),
      fc.string(),
      (tokens, pageSize, salt) => {
        const want = kept(tokens, pageSize, salt);
        expect(prefixNames(tokens, { pageSize, salt })).toEqual(want);
        expect(prefixNames(tokens, { pageSize, salt, hash: nodeHash })).toEqual(want);
        expect(names.prefixNames(tokens, { pageSize, salt })).toEqual(want);
      },
    ),
  );
});

it('prefixNames names full pages only, of any list of numbers', () => {
  const first = pageName(rootName(), Uint32Array.of(1, 2));
  expect(prefixNames([1, 2, 3], { pageSize: 2 })).toEqual([first]);
  expect(prefixNames(Int32Array.of(1, 2), { pageSize: 2 })).toEqual([first]);
  expect(prefixNames(BigInt64Array.of(1n, 2n), { pageSize: 2 })).toEqual([first]);
  expect(prefixNames(Uint32Array.of(1), { pageSize: 2 })).toEqual([]);
  expect(prefixNames([1, 2], { pageSize: 2, salt: 'a' })).not.toEqual([first]);
});

it('prefixNames hashes once per page, and once for the salt', () => {
  const hash = vi.fn<(bytes: Uint8Array) => Uint8Array>(nodeHash);
  prefixNames(
    Array.from({ length: 70 }, (_, i) => i),
    { pageSize: 16, hash },
  );
  expect(hash).toHaveBeenCalledTimes(5);
});

type Call = (tokens: unknown, options?: unknown) => unknown;
const refusals = [
  ['tokens', [undefined, { pageSize: 2 }], /tokens must be a list of numbers; got undefined/],
  ['a token', [[1, -1], { pageSize: 2 }], /tokens\[1\] must be a whole number .* got -1/],
  ['a BigInt', [[1n], { pageSize: 1 }], /tokens\[0\] must be/],
  ['64 bits', [BigInt64Array.of(1n, 2n ** 32n), { pageSize: 1 }], /tokens\[1\] .* got 4294967296/],
  [
    'no options',
    [[1]],
    /options must be \{ pageSize|pageSize must be a whole number from 1 on; got undefined/,
  ],
  ['a page size', [[1], { pageSize: 0 }], /pageSize must be a whole number from 1 on/],
  ['a salt', [[1], { pageSize: 1, salt: 3 }], /salt must be a string; got 3/],
  ['a hash', [[1], { pageSize: 1, hash: 'sha256' }], /hash must be a function/],
  ['a digest', [[1], { pageSize: 1, hash: () => new Uint8Array(20) }], /32 bytes .* got 20 bytes/],
  ['a promise', [[1], { pageSize: 1, hash: async () => new Uint8Array(32) }], /synchronously/],
  [
    'an unknown option',
    [[1], { pageSize: 1, page_size: 1 }],
    /there is no page_size in options; got 1\. .*There are pageSize, salt, hash/,
  ],
] as const;
const functions = [
  ['@heed/kvcache', prefixNames as Call],
  ['@heed/kvcache/names', names.prefixNames as Call],
] as const;
it.for(
  functions.flatMap(([from, call]) => refusals.map((refusal) => [from, call, ...refusal] as const)),
)('prefixNames of %s refuses it', ([, call, , args, message]) => {
  let error: unknown;
  try {
    call(...(args as readonly [unknown]));
  } catch (thrown) {
    error = thrown;
  }
  expect(HeedError.is(error) && error.code).toBe('validation');
  expect(String(error)).toMatch(/^ValidationError: prefixNames: /);
  expect(String(error)).toMatch(message);
});
