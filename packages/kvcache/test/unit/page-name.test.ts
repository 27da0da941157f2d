import { createHash, webcrypto } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, pageName, rootName, toHex } from '../../src/pages/page-name.ts';
import { sha256 } from '../../src/pages/sha256.ts';

const hashOf = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

const wordBytes = (tokens: Uint32Array): Buffer => {
  const bytes = Buffer.alloc(4 * tokens.length);
  tokens.forEach((token, i) => bytes.writeUInt32LE(token, 4 * i));
  return bytes;
};

const tag = Buffer.from('heed.kvcache prefix root v1'.padEnd(32));
const page = (...tokens: number[]): Uint32Array => Uint32Array.from(tokens);
/** Any UTF-16, lone surrogates too. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) });
const anyPage = fc
  .array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 40 })
  .map((tokens) => Uint32Array.from(tokens));

/** Names of the pages of a prompt, one after the other. */
function chain(root: string, pages: readonly Uint32Array[]): string[] {
  let name = root;
  return pages.map((tokens) => (name = pageName(name, tokens)));
}

describe('rootName', () => {
  it('is what it has been: stores outlive versions', () => {
    expect(rootName()).toBe('6b44f03fc7a5d2a0d2c1e1ddb1694f1e232a113940f32d06fc6d9a77be088bc0');
    expect(rootName('tenant 1')).toBe(
      '8b00c810b4f8c6cab8f9ef1ab48db31a6d533fdfb6bd52783be5a6de2ee7a17a',
    );
  });

  it('hashes a tag of 32 bytes and the salt in UTF-16', () => {
    fc.assert(
      fc.property(anyText, (salt) => {
        expect(rootName(salt)).toBe(hashOf(tag, Buffer.from(salt, 'utf16le')));
      }),
    );
  });

  it('takes no salt for the empty one', () => {
    expect(rootName()).toBe(rootName(''));
  });

  it('tells lone surrogates apart', () => {
    expect(rootName('\ud800')).not.toBe(rootName('\ud801'));
    expect(rootName('\ud800')).not.toBe(rootName('\ufffd'));
  });
});

describe('pageName', () => {
  it('is what it has been', () => {
    expect(pageName(rootName(), page(1, 2, 3, 4))).toBe(
      'fef07351b1d5c1ed1dece1fb7518ccbeb1b063d049554f739bb882d9ec021693',
    );
  });

  it('hashes the parent’s 32 bytes and the tokens as little-endian words', () => {
    fc.assert(
      fc.property(anyText, fc.array(anyPage, { maxLength: 4 }), (salt, pages) => {
        let parent = rootName(salt);
        for (const tokens of pages) {
          const expected = hashOf(Buffer.from(parent, 'hex'), wordBytes(tokens));
          expect(pageName(parent, tokens)).toBe(expected);
          parent = expected;
        }
      }),
    );
  });

  it('reads the tokens of a view, not of its buffer', () => {
    const tokens = page(9, 1, 2, 9);
    expect(pageName(rootName(), tokens.subarray(1, 3))).toBe(pageName(rootName(), page(1, 2)));
  });

  it('gives repeated pages at different positions different names', () => {
    const names = chain(
      rootName(),
      Array.from({ length: 50 }, () => page(5, 5, 5, 5)),
    );
    expect(new Set(names).size).toBe(50);
  });

  it('gives equal prefixes equal names, up to where they part', () => {
    const a = chain(rootName(), [page(1, 2), page(3, 4), page(5, 6), page(7, 8)]);
    const b = chain(rootName(), [page(1, 2), page(3, 4), page(5, 0), page(7, 8)]);
    expect(b.slice(0, 2)).toEqual(a.slice(0, 2));
    expect(b[2]).not.toBe(a[2]);
    expect(b[3]).not.toBe(a[3]);
  });

  it('depends on the order of tokens and on where pages are cut', () => {
    expect(pageName(rootName(), page(1, 2))).not.toBe(pageName(rootName(), page(2, 1)));
    expect(chain(rootName(), [page(1), page(2)])[1]).not.toBe(pageName(rootName(), page(1, 2)));
  });

  it('shares nothing between salts', () => {
    const twoSalts = fc.tuple(anyText, anyText).filter(([a, b]) => a !== b);
    fc.assert(
      fc.property(twoSalts, fc.array(anyPage, { maxLength: 4 }), ([a, b], pages) => {
        const names = [a, b].map((salt) => [rootName(salt), ...chain(rootName(salt), pages)]);
        const shared = names[0]!.filter((name) => names[1]!.includes(name));
        expect(shared).toEqual([]);
      }),
    );
  });

  it('makes a salt not pass for tokens, nor tokens for a salt', () => {
    // A page whose tokens are the bytes of a salt, under the root.
    const salt = '\u0001\u0000\u0002\u0000';
    expect(pageName(rootName(), page(1, 2))).not.toBe(rootName(salt));
  });
});

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
