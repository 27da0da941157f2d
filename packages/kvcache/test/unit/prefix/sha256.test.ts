import { createHash, webcrypto } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../src/pages/page-name.ts';
import { sha256 } from '../../../src/pages/sha256.ts';

const nodes = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('sha256', () => {
  // FIPS 180-4's own examples.
  it.for([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ] as const)('of "%s"', ([text, digest]) => {
    expect(toHex(sha256(new TextEncoder().encode(text)))).toBe(digest);
  });

  it('is Node’s for every length about the ends of blocks', () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + length) & 255);
      expect(toHex(sha256(bytes))).toBe(nodes(bytes));
    }
  });

  it('is Node’s and WebCrypto’s for random bytes of random lengths', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 1000 }), async (bytes) => {
        const digest = sha256(bytes);
        const theirs = await webcrypto.subtle.digest('SHA-256', bytes);
        expect(digest).toEqual(new Uint8Array(theirs));
        expect(toHex(digest)).toBe(nodes(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('reads a view, not its buffer, and leaves it as it is', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    expect(toHex(sha256(bytes.subarray(7, 70)))).toBe(nodes(bytes.slice(7, 70)));
    expect([...bytes]).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});

it('hexadecimal digits are two for each byte, and back', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
  expect(fromHex(toHex(bytes))).toEqual(bytes);
});
