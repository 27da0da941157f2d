import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rootName } from '../../../src/pages/page-name.ts';
import { fileName, parseKey, storeKey } from '../../../src/stores/store-key.ts';
import { anyGeometry, smallRecord } from './records.ts';

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
