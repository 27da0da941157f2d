import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../src/text/hooks/alibi.ts';
import { band } from '../../src/text/hooks/band.ts';
import { softcap } from '../../src/text/hooks/softcap.ts';
import { combineParams } from '../../src/text/kernels/combine.wgsl.ts';
import { forwardFields } from '../../src/text/kernels/forward.wgsl.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import { packParams, type ParamField, paramsStruct } from '../../src/text/parts/params.ts';
import { plain } from './kernel-configs.ts';

const all = forwardFields({ ...plain, hooks: variantHooks([softcap, alibi, band]) });

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

describe('the uniform block', () => {
  it.for([
    ['of the forward kernel', all],
    ['of the combine kernel', combineParams],
  ] as const)('%s names each field once', ([, list]) => {
    const names = list.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  // A kernel that is warmed up gets nothing but zeros, and has to see there that it has nothing to do.
  it.for([
    ['forward', all, 'units'],
    ['combine', combineParams, 'threads'],
  ] as const)('of the %s kernel fits the warm-up, and starts with the work', ([, list, first]) => {
    expect(list[0]!.name).toBe(first);
    expect(list.length * 4).toBeLessThanOrEqual(1024);
  });

  it('is declared as it is packed', () => {
    const lines = paramsStruct(all).split('\n');
    expect(lines.slice(1, -1)).toEqual(all.map(({ name, type }) => `  ${name}: ${type},`));
  });
});
