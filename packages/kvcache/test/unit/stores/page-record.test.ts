import { createHash, createHmac } from 'node:crypto';
import type { PageFormat } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  pageBytes,
  type PageGeometry,
  segmentPages,
  storeGeometry,
} from '../../../src/pages/page-geometry.ts';
import { pageName, rootName } from '../../../src/pages/page-name.ts';
import { decodeRecord, encodeRecord } from '../../../src/stores/page-record.ts';
import { fileName, oldKey, parseKey, storeKey } from '../../../src/stores/store-key.ts';
import {
  anyGeometry,
  anyRecord,
  forged,
  oldRecord,
  smallGeometry,
  smallRecord,
} from './any-record.ts';

const encoded = await encodeRecord(smallRecord, undefined);
const refusalOf = async (...args: Parameters<typeof decodeRecord>): Promise<string> => {
  const result = await decodeRecord(...args);
  return 'refused' in result ? `${result.refused}: ${result.reason}` : 'not refused';
};
const hmac = (usages: KeyUsage[], secret = 7): Promise<CryptoKey> =>
  crypto.subtle.importKey(
    'raw',
    new Uint8Array(32).fill(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    usages,
  );

/** The bytes of `smallRecord` but for its seal, whose kind is `seal`. */
function smallBody(seal: number): Buffer {
  const { name, parent } = smallRecord;
  // Version, seal, bytes of payload, group, depth, pages, tokens in a page, bytes of the texts.
  const numbers = [2, seal, 3, 0, 0, 2, 2, 19, 8];
  return Buffer.concat([
    Buffer.from('heedpage'),
    new Uint8Array(Uint32Array.from(numbers).buffer),
    Buffer.from(parent + name, 'hex'),
    Buffer.from('l1-h2-k3-v4-p2-int8my-model\0'),
    new Uint8Array(smallRecord.tokens.slice().buffer),
    Buffer.alloc(8),
    Buffer.from([10, 20, 30]),
  ]);
}

describe('encodeRecord', () => {
  it('writes the layout that record-header.ts describes', () => {
    const body = smallBody(1);
    const expected = Buffer.concat([body, createHash('sha256').update(body).digest()]);
    expect(Buffer.from(encoded).toString('hex')).toBe(expected.toString('hex'));
  });

  it('seals with an HMAC where it has a key', async () => {
    const body = smallBody(2);
    const seal = createHmac('sha256', new Uint8Array(32).fill(7)).update(body).digest();
    const bytes = await encodeRecord(smallRecord, await hmac(['sign']));
    expect(Buffer.from(bytes).toString('hex')).toBe(Buffer.concat([body, seal]).toString('hex'));
  });

  it('refuses a payload whose length has no 32 bits', async () => {
    const payload = { length: 2 ** 32 } as Uint8Array;
    await expect(encodeRecord({ ...smallRecord, payload }, undefined)).rejects.toThrow(
      /^encodeRecord: a payload must be under 4 GiB, got 4294967296 bytes/,
    );
  });
});

describe('decodeRecord', () => {
  it('gives back what was encoded', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecord, async (record) => {
        const { pages, payload } = record;
        const expected = { ...record, pageBytes: payload.length / pages };
        const bytes = await encodeRecord(record, undefined);
        expect(await decodeRecord(bytes, expected)).toEqual(record);
        const { tokens, ...unread } = expected;
        expect(await decodeRecord(bytes, unread)).toEqual(record);
        expect(tokens).toEqual(record.tokens);
      }),
    );
  });

  it('reads what version 1 has written', async () => {
    const tokens = smallRecord.tokens.slice(0, 2);
    const name = pageName(smallRecord.parent, tokens);
    const one = { ...smallRecord, namespace: '', pages: 1, tokens, name };
    const bytes = await oldRecord(smallGeometry, one);
    expect(await decodeRecord(bytes, { ...one, namespace: 'my-model' })).toEqual(one);
    expect(await refusalOf(bytes, { geometry: 'l2' })).toMatch(/^geometry: l1-h2-k3-v4-p2-int8, /);
    const key = await hmac(['verify']);
    expect(await refusalOf(bytes, {}, key)).toMatch(/^checksum: it is sealed with a SHA-256, and/);
    bytes[110]! ^= 1;
    expect(await refusalOf(bytes)).toMatch(/^checksum: its SHA-256/);
  });

  it('believes a record under a key only with its HMAC', async () => {
    const bytes = await encodeRecord(smallRecord, await hmac(['sign']));
    const key = await hmac(['verify']);
    expect(await decodeRecord(bytes, {}, key)).toEqual(smallRecord);
    expect(await refusalOf(bytes)).toMatch(/^checksum: it is sealed with an HMAC, .* has no key$/);
    expect(await refusalOf(encoded, {}, key)).toMatch(
      /^checksum: it is sealed with a SHA-256, .* a key$/,
    );
    expect(await refusalOf(bytes, {}, await hmac(['verify'], 8))).toMatch(
      /^checksum: its HMAC is not/,
    );
    bytes[bytes.length - 40]! ^= 1;
    expect(await refusalOf(bytes, {}, key)).toMatch(/^checksum: its HMAC is not/);
  });

  it('reads a view at any offset of a larger buffer', async () => {
    const larger = new Uint8Array(encoded.length + 10).fill(0xee);
    larger.set(encoded, 3);
    const view = larger.subarray(3, 3 + encoded.length);
    expect(await decodeRecord(view)).toEqual(smallRecord);
  });

  it('refuses every change of one byte', async () => {
    for (let at = 0; at < encoded.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const altered = encoded.slice();
        altered[at]! ^= flip;
        expect(await decodeRecord(altered), `byte ${at}`).toHaveProperty('refused');
      }
    }
  });

  it('refuses every truncation and extension', async () => {
    for (let length = 0; length < encoded.length; length++) {
      const refusal = await refusalOf(encoded.subarray(0, length));
      expect(refusal).toMatch(new RegExp(`^truncated: ${length} bytes; `));
    }
    for (const extra of [1, 31, 32, 1000]) {
      const longer = new Uint8Array(encoded.length + extra);
      longer.set(encoded);
      expect(await refusalOf(longer)).toBe(
        `too long: ${longer.length} bytes; its header says ${encoded.length}`,
      );
    }
  });

  it('refuses changes, truncations and extensions of any record', async () => {
    const anyDamage = fc.oneof(
      fc.record({ at: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ cut: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ extra: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
    );
    await fc.assert(
      fc.asyncProperty(anyRecord, anyDamage, async (record, damage) => {
        const bytes = await encodeRecord(record, undefined);
        if ('at' in damage) bytes[damage.at % bytes.length]! ^= damage.flip;
        const damaged =
          'cut' in damage
            ? bytes.subarray(0, Math.max(0, bytes.length - damage.cut))
            : Uint8Array.from([...bytes, ...('extra' in damage ? damage.extra : [])]);
        expect(await decodeRecord(damaged)).toHaveProperty('refused');
      }),
    );
  });

  it('never throws, whatever the bytes', async () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      // The same bytes after a valid magic and version, so that later checks run.
      fc
        .uint8Array({ maxLength: 300 })
        .map((rest) => Uint8Array.from([...encoded.subarray(0, 12), ...rest])),
    );
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => {
        expect(await decodeRecord(bytes)).toHaveProperty('refused');
      }),
      { numRuns: 300 },
    );
  });

  it('believes no length: claims of gigabytes are refused at once', async () => {
    for (const fields of [[16], [28, 32], [36], [40]]) {
      const claims = await forged(smallRecord, (view) => {
        for (const field of fields) view.setUint32(field, 2 ** 32 - 1, true);
      });
      expect(await refusalOf(claims)).toMatch(/^truncated: \d+ bytes; its header says \d{10,}$/);
    }
  });

  const flip = (at: number) => (view: DataView) => view.setUint8(at, view.getUint8(at) ^ 1);
  const edits: [string, (view: DataView) => void, RegExp][] = [
    ['magic', (view) => view.setUint8(0, 1), /^not a record: it does not begin like/],
    ['version', (view) => view.setUint32(8, 3, true), /^version: version 3; .* versions 1 and 2$/],
    ['parent', flip(44), /^name: \w{64}, but its parent/],
    ['name', flip(76), /^name: \w{64}, but its parent/],
    ['tokens', flip(136), /^name: \w{64}, but its parent/],
    ['payload length', (view) => view.setUint32(16, 2, true), /^too long: 195 bytes; .* 194$/],
    ['number of pages', (view) => view.setUint32(28, 0, true), /^(too long|name): /],
  ];
  it.for(edits)('refuses another %s under a checksum that fits', async ([, edit, refusal]) => {
    expect(await refusalOf(await forged(smallRecord, edit))).toMatch(refusal);
  });

  it('says which rule is broken, of a record that breaks only one', async () => {
    const altered = encoded.slice();
    altered[altered.length - 33]! ^= 1; // the last byte of the payload
    expect(await refusalOf(altered)).toMatch(/^checksum: /);
    expect(await refusalOf(new TextEncoder().encode('<!doctype html>'))).toMatch(/^not a record: /);
  });

  it('compares what the reader expects', async () => {
    const { name, tokens, parent } = smallRecord;
    expect(await refusalOf(encoded, { ...smallRecord, pageBytes: 1.5 })).toBe('not refused');
    const another = '0'.repeat(64);
    const cases: [Parameters<typeof decodeRecord>[1], string][] = [
      [{ geometry: 'l2' }, 'geometry: l1-h2-k3-v4-p2-int8, expected l2'],
      [{ pageSize: 4 }, 'geometry: pages of 2 tokens, expected 4'],
      [{ group: 1 }, 'geometry: group 0, expected 1'],
      [{ namespace: 'other' }, "namespace: 'my-model', expected 'other'"],
      [{ name: another }, `name: ${name}, expected ${another}`],
      [{ depth: 2 }, 'depth: 0 pages before it, expected 2'],
      [{ pageBytes: 2 }, 'payload: 3 bytes, expected 4'],
      [
        { name, parent, tokens: tokens.map((x) => x + 1) },
        `name: ${name} after ${parent}, expected`,
      ],
      [{ name, parent: another, tokens }, `name: ${name} after ${parent}, expected`],
    ];
    for (const [expected, refusal] of cases) {
      expect(await refusalOf(encoded, expected)).toContain(refusal);
    }
  });
});

const { digest: geometry } = storeGeometry([smallGeometry]);
const name = rootName();
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', 'A', '.', '_', '-', '0', '/'),
    fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
  ),
  maxLength: 16,
});
const anyDepth = fc.nat({ max: 2 ** 31 - 1 });
const anyName = fc.string().map(rootName);

it('storeGeometry names the whole cache: the text of its groups, and 16 digits of its SHA-256', () => {
  const other = { ...smallGeometry, format: 'f16' } as const;
  const layers = [[0], [1]];
  const { text, digest } = storeGeometry([smallGeometry, other], layers);
  const numbers = createHash('sha256').update('0;1').digest('hex').slice(0, 16);
  expect(text).toBe(`l1-h2-k3-v4-p2-int8+l1-h2-k3-v4-p2-f16@${numbers}`);
  expect(digest).toBe(createHash('sha256').update(text).digest('hex').slice(0, 16));
  expect(geometry).toBe('46bf71e85904b42b');
});

it.for([
  [16, undefined, 16],
  [16, 4096, 16],
  [16, 256, 16],
  [16, 255, 1],
  [100, undefined, 3],
  [256, 1, 1],
  [1000, undefined, 1],
] as const)('segments of pages of %i with window %i are %i pages', ([pageSize, window, pages]) => {
  expect(segmentPages({ ...smallGeometry, pageSize }, window)).toBe(pages);
});

describe('storeKey', () => {
  it('is what it has been: stores outlive versions', () => {
    const key = { geometry, group: 0, name };
    expect(storeKey({ ...key, namespace: 'llama-3', depth: 0 })).toBe(
      `v2.${geometry}.llama-3.0.0.${name}`,
    );
    expect(storeKey({ ...key, namespace: 'My model', depth: 12, isLink: true })).toBe(
      `v2.${geometry}._004dy_0020model.0.12.${name}.link`,
    );
    const old = { ...key, geometry: 'l1-h2-k3-v4-p2-int8', namespace: 'My model', depth: 12 };
    expect(oldKey(old)).toBe(`v1.l1-h2-k3-v4-p2-int8._004dy_0020model.12.${name}`);
  });

  it('is parsed back, and is safe in file names as it stands', () => {
    fc.assert(
      fc.property(
        anyGeometry,
        anyText,
        anyDepth,
        anyDepth,
        anyName,
        fc.boolean(),
        (g, namespace, group, depth, page, isLink) => {
          const rest = { namespace, depth, name: page, ...(isLink && { isLink }) };
          const { text, digest } = storeGeometry([g]);
          const keys = [
            { version: 2, geometry: digest, group, ...rest },
            { version: 1, geometry: text, group: 0, ...rest },
          ] as const;
          for (const parts of keys) {
            const key = parts.version === 2 ? storeKey(parts) : oldKey(parts);
            expect(key).toMatch(/^[a-z0-9._-]+$/);
            if (parts.version === 2) expect(fileName('test', key)).toBe(`key-${key}.bin`);
            expect(parseKey(key)).toEqual(parts);
          }
        },
      ),
    );
  });

  it('keeps namespaces, groups and depths apart', () => {
    const parts = ['', 'a', 'A', 'a.', '_0041', 'é'].flatMap((namespace) =>
      [0, 1].flatMap((group) => [0, 10].map((depth) => ({ namespace, group, depth }))),
    );
    const keys = parts.map((part) => storeKey({ ...part, geometry, name }).toLowerCase());
    expect(new Set(keys).size).toBe(parts.length);
  });

  it('fits a file name at its longest, and refuses a longer namespace', () => {
    const longest = { geometry, group: 4095, depth: 2 ** 31 - 1, name, isLink: true };
    const key = storeKey({ ...longest, namespace: 'n'.repeat(80) });
    expect(fileName('test', key).length).toBeLessThan(255);
    const keyIn = (namespace: string) =>
      storeKey({ geometry, namespace, group: 0, depth: 0, name });
    expect(() => keyIn('n'.repeat(81))).toThrow(
      /^storeKey: a namespace must not be longer than 80 characters, .* got 81: "n+"…; choose a shorter/,
    );
    expect(() => keyIn('N'.repeat(17))).toThrow(/got 85/);
  });
});

describe('parseKey', () => {
  const key = storeKey({ geometry, namespace: 'ns', group: 0, depth: 3, name });
  const old = oldKey({ geometry: smallRecord.geometry, namespace: 'ns', group: 0, depth: 3, name });

  it.for([
    '',
    'greeting',
    key.replace('v2', 'v3'),
    key.replace('v2', 'v1'),
    old.replace('v1', 'v2'),
    old.replace('l1', 'l01'),
    old.replace('l1', 'l99999999999999999999'),
    old.replace('int8', 'int2'),
    key.replace('.ns.', '.'),
    key.replace('.ns.', '.ns.ns.'),
    key.replace('.3.', '.03.'),
    key.replace('.3.', '.x.'),
    key.replace('.0.', '.00.'),
    key.replace('.ns.', '.Ns.'),
    key.replace('.ns.', '._006es.'), // 'n' stands for itself
    key.slice(0, -1),
    key.toUpperCase(),
    `${key}0`,
    `${key}.page`,
    `${key}\n`,
  ])('knows %j for somebody else’s', (foreign) => {
    expect(parseKey(foreign)).toBeUndefined();
  });

  it('never throws, and never takes two keys for one', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          anyText.map((text) => key.replace('ns', text)),
          anyText.map((text) => old.replace('ns', text)),
        ),
        (text) => {
          const parsed = parseKey(text);
          if (parsed === undefined) return;
          expect(parsed.version === 2 ? storeKey(parsed) : oldKey(parsed)).toBe(text);
        },
      ),
    );
  });
});

const bytes = (format: PageFormat, headDim: number): number => {
  const sizes = { layers: 3, kvHeads: 2, pageSize: 16, headDim, headDimV: headDim };
  return pageBytes({ ...sizes, format } satisfies PageGeometry);
};

it('a page takes its rows in all layers', () => {
  expect(bytes('f32', 64)).toBe(3 * 2 * 2 * 16 * 64 * 4);
  expect(bytes('f16', 65)).toBe(3 * 2 * 2 * 16 * 66 * 2);
  expect(bytes('int8', 65)).toBe(3 * 2 * 2 * 16 * (4 + 68));
  expect(bytes('int4', 65)).toBe(3 * 2 * 2 * 16 * (4 + 36));
});

it.for([32, 64, 80, 96, 128, 256])('int4 pages take at most 0.32 of f16, D %i', (headDim) => {
  expect(bytes('int4', headDim) / bytes('f16', headDim)).toBeLessThanOrEqual(0.32);
});
