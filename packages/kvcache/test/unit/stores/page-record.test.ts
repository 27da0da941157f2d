import { createHash } from 'node:crypto';
import type { PageFormat } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageBytes, type PageGeometry } from '../../../src/pages/page-geometry.ts';
import { rootName } from '../../../src/pages/page-name.ts';
import { decodeRecord, encodeRecord, type PageRecord } from '../../../src/stores/page-record.ts';
import { fileName, parseKey, storeKey } from '../../../src/stores/store-key.ts';
import { anyGeometry, anyRecord, forged, smallRecord } from './any-record.ts';

const encoded = await encodeRecord(smallRecord);
const refusalOf = async (...args: Parameters<typeof decodeRecord>): Promise<string> => {
  const result = await decodeRecord(...args);
  return 'refused' in result ? `${result.refused}: ${result.reason}` : 'not refused';
};

describe('encodeRecord', () => {
  it('writes the layout that record-header.ts describes', () => {
    const { name, parent } = smallRecord;
    const numbers = [1, 1, 2, 3, 4, 2, 3, 3]; // version, geometry, format int8, bytes of payload
    const body = Buffer.concat([
      Buffer.from('heedpage'),
      ...numbers.map((n) => Buffer.from([n, 0, 0, 0])),
      Buffer.from(name + parent, 'hex'),
      Buffer.from([0, 0, 0, 0]),
      Buffer.from([4, 3, 2, 1, 5, 0, 0, 0]),
      Buffer.from([10, 20, 30]),
    ]);
    const expected = Buffer.concat([body, createHash('sha256').update(body).digest()]);
    expect(Buffer.from(encoded).toString('hex')).toBe(expected.toString('hex'));
  });

  it.for<[string, Partial<PageRecord>, RegExp]>([
    [
      'a page that is not full',
      { tokens: Uint32Array.of(1) },
      /^encodeRecord: a page of 2 tokens must be full to be saved, got 1/,
    ],
    [
      'a name that is not its own',
      { name: '0'.repeat(64) },
      /^encodeRecord: a page must be named pageName\(parent, tokens\), [0-9a-f]{64}, got 0{64}/,
    ],
    [
      'a payload whose length has no 32 bits',
      { payload: { length: 2 ** 32 } as Uint8Array },
      /^encodeRecord: a payload must be under 4 GiB, got 4294967296 bytes/,
    ],
  ])('refuses %s', async ([, change, message]) => {
    await expect(encodeRecord({ ...smallRecord, ...change })).rejects.toThrow(message);
  });
});

describe('decodeRecord', () => {
  it('gives back what was encoded', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecord, async (record) => {
        const expected = { ...record, payloadBytes: record.payload.length };
        expect(await decodeRecord(await encodeRecord(record), expected)).toEqual(record);
      }),
    );
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
        const bytes = await encodeRecord(record);
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
    const claims = await forged(smallRecord, (view) => {
      view.setUint32(28, 2 ** 32 - 1, true);
      view.setUint32(36, 2 ** 32 - 1, true);
    });
    const bytes = 108 + 5 * (2 ** 32 - 1) + 32;
    expect(await refusalOf(claims)).toBe(
      `truncated: ${encoded.length} bytes; its header says ${bytes}`,
    );
  });

  const edits: [string, (view: DataView) => void, RegExp][] = [
    ['magic', (view) => view.setUint8(0, 1), /^not a record: it does not begin like/],
    ['version', (view) => view.setUint32(8, 2, true), /^version: version 2; .* reads version 1$/],
    ['format', (view) => view.setUint32(32, 9, true), /^geometry: its format is unknown/],
    ['name', (view) => view.setUint8(40, view.getUint8(40) ^ 1), /^name: \w{64}, but its parent/],
    ['parent', (view) => view.setUint8(72, view.getUint8(72) ^ 1), /^name: \w{64}, but its parent/],
    ['tokens', (view) => view.setUint32(108, 7, true), /^name: \w{64}, but its parent/],
    ['payload length', (view) => view.setUint32(36, 2, true), /^too long: 151 bytes; .* 150$/],
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
    const { geometry, name } = smallRecord;
    expect(await refusalOf(encoded, { geometry, name, depth: 0, payloadBytes: 3 })).toBe(
      'not refused',
    );
    for (const [field, value] of Object.entries({
      layers: 9,
      kvHeads: 9,
      headDim: 9,
      headDimV: 9,
      pageSize: 9,
      format: 'int4',
    })) {
      const other = { ...geometry, [field]: value };
      expect(await refusalOf(encoded, { geometry: other })).toMatch(
        /^geometry: l1-h2-k3-v4-p2-int8, expected l/,
      );
    }
    const another = '0'.repeat(64);
    expect(await refusalOf(encoded, { name: another })).toBe(`name: ${name}, expected ${another}`);
    expect(await refusalOf(encoded, { depth: 2 })).toBe('depth: 0 pages before it, expected 2');
    expect(await refusalOf(encoded, { payloadBytes: 4 })).toBe('payload: 3 bytes, expected 4');
  });
});

const { geometry } = smallRecord;
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

describe('storeKey', () => {
  it('is what it has been: stores outlive versions', () => {
    expect(storeKey({ geometry, namespace: 'llama-3', depth: 0, name })).toBe(
      `v1.l1-h2-k3-v4-p2-int8.llama-3.0.${name}`,
    );
    expect(storeKey({ geometry, namespace: 'My model', depth: 12, name })).toBe(
      `v1.l1-h2-k3-v4-p2-int8._004dy_0020model.12.${name}`,
    );
  });

  it('is parsed back, and is safe in file names as it stands', () => {
    fc.assert(
      fc.property(anyGeometry, anyText, anyDepth, anyName, (g, namespace, depth, page) => {
        const key = storeKey({ geometry: g, namespace, depth, name: page });
        expect(key).toMatch(/^[a-z0-9._-]+$/);
        expect(fileName('test', key)).toBe(`key-${key}.bin`);
        expect(parseKey(key)).toEqual({ geometry: g, namespace, depth, name: page });
      }),
    );
  });

  it('keeps geometries and namespaces apart', () => {
    const parts = [
      ...['', 'a', 'A', 'a.', '_0041', 'é'].map((namespace) => ({ geometry, namespace })),
      ...(['layers', 'kvHeads', 'headDim', 'headDimV', 'pageSize'] as const).map((field) => ({
        geometry: { ...geometry, [field]: 99 },
        namespace: 'a',
      })),
      { geometry: { ...geometry, format: 'int4' } as const, namespace: 'a' },
    ];
    const keys = parts.map((part) => storeKey({ ...part, depth: 1, name }).toLowerCase());
    expect(new Set(keys).size).toBe(parts.length);
  });

  it('fits a file name at its longest, and refuses a longer namespace', () => {
    const most = 2 ** 32 - 1;
    const huge = { layers: most, kvHeads: most, headDim: most, headDimV: most, pageSize: most };
    const key = storeKey({
      geometry: { ...huge, format: 'int8' },
      namespace: 'n'.repeat(80),
      depth: 2 ** 31 - 1,
      name,
    });
    expect(fileName('test', key).length).toBeLessThan(255);
    const keyIn = (namespace: string) => storeKey({ geometry, namespace, depth: 0, name });
    expect(() => keyIn('n'.repeat(81))).toThrow(
      /^storeKey: a namespace must not be longer than 80 characters, .* got 81: "n+"…; choose a shorter/,
    );
    expect(() => keyIn('N'.repeat(17))).toThrow(/got 85/);
  });
});

describe('parseKey', () => {
  const key = storeKey({ geometry, namespace: 'ns', depth: 3, name });

  it.for([
    '',
    'greeting',
    key.replace('v1', 'v2'),
    key.replace('l1', 'l01'),
    key.replace('l1', 'l99999999999999999999'),
    key.replace('int8', 'int2'),
    key.replace('.ns.', '.'),
    key.replace('.ns.', '.ns.ns.'),
    key.replace('.3.', '.03.'),
    key.replace('.3.', '.x.'),
    key.replace('.ns.', '.Ns.'),
    key.replace('.ns.', '._006es.'), // 'n' stands for itself
    key.slice(0, -1),
    key.toUpperCase(),
    `${key}0`,
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
        ),
        (text) => {
          const parsed = parseKey(text);
          if (parsed === undefined) return;
          expect(storeKey(parsed)).toBe(text);
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
