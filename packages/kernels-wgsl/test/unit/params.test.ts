import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { softcap } from '../../src/host/options/softcap-option.ts';
import { band } from '../../src/host/options/visible-band.ts';
import { combineSource } from '../../src/text/kernels/combine.wgsl.ts';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import { type AnyPart, composeKernel } from '../../src/text/parts/kernel-parts.ts';
import { packParams, type ParamField, u32Fields } from '../../src/text/parts/params.ts';
import { combineConfigs, plain } from './kernel-configs.ts';

const types = ['u32', 'i32', 'f32'] as const;
const field = fc.record({
  name: fc.string({ minLength: 1, maxLength: 2 }),
  type: fc.constantFrom(...types),
});
const fields: fc.Arbitrary<ParamField[]> = fc.uniqueArray(field, {
  minLength: 1,
  selector: ({ name }) => name,
});

/** One 4-byte word as WGSL would read it. */
function read(view: DataView, at: number, type: ParamField['type']): number {
  if (type === 'f32') return view.getFloat32(at, true);
  return type === 'i32' ? view.getInt32(at, true) : view.getUint32(at, true);
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint32Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

describe('packParams', () => {
  it('puts each field at 4 × its place in the struct, and pads to 16 bytes with zeros', () => {
    const property = fc.property(fields, fc.infiniteStream(fc.integer()), (list, numbers) => {
      const values = list.map(({ name, type }) => {
        const n = numbers.next().value as number;
        return [name, type === 'u32' ? n >>> 0 : type === 'i32' ? n | 0 : Math.fround(n / 8)];
      });
      const view = viewOf(packParams(list, Object.fromEntries(values)));
      expect(view.byteLength).toBe(Math.ceil(list.length / 4) * 16);
      list.forEach(({ type }, i) => expect(read(view, i * 4, type)).toBe(values[i]![1]));
      for (let at = list.length * 4; at < view.byteLength; at += 4) {
        expect(view.getUint32(at)).toBe(0);
      }
    });
    fc.assert(property);
  });

  it('misses no value in silence', () => {
    expect(() => packParams([{ name: 'scale', type: 'f32' }], { Scale: 1 })).toThrow('scale');
  });

  it('holds the extremes', () => {
    const list: ParamField[] = types.map((type) => ({ name: type, type }));
    const values = { u32: 2 ** 32 - 1, i32: -(2 ** 31), f32: -(2 ** -126) };
    const view = viewOf(packParams(list, values));
    expect(list.map(({ type }, i) => read(view, i * 4, type))).toEqual(Object.values(values));
  });
});

describe('composeKernel', () => {
  const scale = { name: 'scale', type: 'f32' } as const;
  const compose = (...parts: readonly AnyPart[]) =>
    composeKernel({
      label: 'test',
      head: ['const ONE = 1u;'],
      bindings: [
        { name: 'x', kind: 'read', element: 'f32' },
        { name: 'y', kind: 'write', element: 'u32' },
      ],
      parts,
    });

  it('gives the block the parameters that the text reads, each once, in the order of the parts', () => {
    const kernel = compose(
      { fields: u32Fields('rows', 'unread', 'heads'), text: 'params.heads; params.rows;' },
      false,
      { fields: [scale, ...u32Fields('rows')], text: 'params.scale * f32(params.rows);' },
    );
    expect(kernel.fields).toEqual([...u32Fields('rows', 'heads'), scale]);
    expect(kernel.code).toBe(`const ONE = 1u;

struct Params {
  rows: u32,
  heads: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

params.heads; params.rows;

params.scale * f32(params.rows);
`);
    expect(kernel.bindings).toEqual(['read', 'write', 'uniform']);
  });

  it('refuses a parameter that no part lists', () => {
    expect(() => compose({ fields: u32Fields('rows'), text: 'params.row' })).toThrow(
      'test: no part lists params.row',
    );
  });

  it('refuses a parameter of two types', () => {
    const parts = [u32Fields('scale'), [scale]].map((list) => ({
      fields: list,
      text: 'params.scale',
    }));
    expect(() => compose(...parts)).toThrow('test: params.scale has two types');
  });
});

describe('the uniform block', () => {
  // A kernel that is warmed up gets nothing but zeros, and has to see there that it has nothing to do.
  it.for([
    ['forward', forwardSource({ ...plain, hooks: variantHooks([softcap, alibi, band]) }), 'units'],
    ['combine', combineSource(combineConfigs[0]!), 'threads'],
  ] as const)(
    'of the %s kernel fits the warm-up, and has the work',
    ([, { fields: list }, work]) => {
      expect(list.map(({ name }) => name)).toContain(work);
      expect(list.length * 4).toBeLessThanOrEqual(1024);
    },
  );
});
