import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord, type PageRecord } from '../../../src/stores/page-record.ts';
import { anyRecord, forged, smallRecord } from './records.ts';

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
      // The same behind a sound start, so that the rest is looked at.
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
    ['magic', (view) => view.setUint8(0, 1), /^not a record: its first bytes/],
    ['version', (view) => view.setUint32(8, 2, true), /^version: version 2; .* reads version 1$/],
    ['format', (view) => view.setUint32(32, 9, true), /^geometry: its format is none/],
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
