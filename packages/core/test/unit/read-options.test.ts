import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/text/errors.ts';
import {
  checkNarrow,
  copyOf,
  type Meant,
  optionsOf,
  readOptions,
} from '../../src/text/read-options.ts';

interface Options {
  readonly causal?: boolean;
  readonly windowSize?: readonly number[];
  readonly lengths?: Int32Array;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly rotary?: { readonly cos?: number };
}

const names = {
  causal: 1,
  windowSize: 1,
  lengths: 1,
  values: 'data',
  rotary: { cos: 1 },
} as const;

const meant: Meant = () => ({
  iscausal: 'causal',
  attnmask: 'maskMod',
  nowhere: 'neither',
  ...optionsOf('flexAttention()', { maskMod: 1 }),
});

const read = (given: unknown): Options => readOptions('f', given as Options, names, meant);

describe('readOptions', () => {
  it.for([
    [
      { isCausal: true },
      'f: there is no isCausal in options; got true. Did you mean causal? There are causal, windowSize, lengths, values, rotary.',
    ],
    [{ is_causal: true }, 'Did you mean causal? '],
    [{ CAUSAL: false }, 'there is no CAUSAL in options; got false. Did you mean causal? '],
    [{ casual: true }, 'Did you mean causal? '],
    [{ window_size: [1, 2] }, 'got [1, 2]. Did you mean windowSize? '],
    [{ maskMod: () => true }, 'got a function. maskMod is an option of flexAttention(). '],
    [{ mask_mod: 1 }, 'maskMod is an option of flexAttention(). '],
    [{ maskModd: 1 }, 'maskMod is an option of flexAttention(). '],
    [{ attn_mask: null }, 'got null. maskMod is an option of flexAttention(). '],
    [{ dropout: 0.1 }, 'got 0.1. Leave it out. There are '],
    [{ nowhere: 1 }, 'Leave it out. There are '],
    [{ toString: 1 }, 'there is no toString in options'],
    [JSON.parse('{ "__proto__": 1 }'), 'there is no __proto__ in options'],
    [{ rotary: { cso: 1 } }, 'there is no cso in rotary; got 1. Did you mean cos? There are cos.'],
    [{ rotary: 3 }, 'rotary must be an object; got 3. '],
    [null, 'options must be an object; got null. '],
    [7, 'options must be an object; got 7. '],
    [() => 1, 'options must be an object; got a function. '],
    [new Map([['causal', true]]), 'options must be an object; got Map. '],
    [Promise.resolve({}), 'options must be an object; got Promise. '],
    [Object.create({ causal: true }), 'options must be an object; got Object. '],
    [Int32Array.of(1), 'there is no 0 in options; got 1. '],
  ])('refuses %o', ([given, says]) => {
    expect(() => read(given)).toThrow(ValidationError);
    expect(() => read(given)).toThrow(says as string);
  });

  it('takes what is undefined for absent, and only own enumerable names for options', () => {
    expect(read(undefined)).toEqual({});
    expect(read({ isCausal: undefined, causal: undefined })).toEqual({});
    expect(read(Object.create(null))).toEqual({});
    const own = Object.create({ isCausal: true }, { hidden: { value: 1 } }) as Options;
    expect(read(Object.assign(own, { causal: true, [Symbol('x')]: 1 }))).toEqual({ causal: true });
    class Config {
      readonly causal = true;
    }
    expect(read(new Config())).toEqual({ causal: true });
  });

  it('reads each option once', () => {
    const reads: string[] = [];
    const given = new Proxy(
      { causal: true, rotary: new Proxy({ cos: 1 }, counting(reads)) },
      counting(reads),
    );
    expect(read(given)).toEqual({ causal: true, rotary: { cos: 1 } });
    expect(reads).toEqual(['causal', 'rotary', 'cos']);
  });

  it('gives what the options were, whatever becomes of them', () => {
    const given = {
      causal: true,
      windowSize: [1, 2],
      lengths: Int32Array.of(3, 4),
      values: { table: [[1], [2]], more: { n: 5 } },
      rotary: { cos: 6 },
    };
    const options = read(given);
    const before = structuredClone(given);
    given.causal = false;
    given.windowSize.fill(-9);
    given.lengths.fill(-9);
    given.values.table[0]![0] = -9;
    given.values.more.n = -9;
    given.rotary.cos = -9;
    expect(options).toEqual(before);
  });
});

const counting = (reads: string[]): ProxyHandler<object> => ({
  get: (target, name) => {
    reads.push(String(name));
    return Reflect.get(target, name) as unknown;
  },
});

describe('copyOf', () => {
  it('copies lists and plain objects, and leaves all else', () => {
    const [fn, map, bytes] = [(): void => {}, new Map(), new ArrayBuffer(4)];
    const data = { fn, map, bytes, wrapped: Object(3) as unknown };
    const copy = copyOf(data);
    expect(copy).not.toBe(data);
    for (const name of Object.keys(data) as (keyof typeof data)[]) {
      expect(copy[name]).toBe(data[name]);
    }
  });

  it('copies typed arrays of every kind', () => {
    for (const list of [Int32Array.of(1, 2), Float32Array.of(1, 2), Uint8Array.of(1, 2)]) {
      const copy = copyOf(list);
      list.fill(7);
      expect([...copy]).toEqual([1, 2]);
    }
  });

  it('keeps what is one object one, also around a circle', () => {
    const list = [1];
    const data: { a: unknown; b: unknown; self?: unknown } = { a: list, b: list };
    data.self = data;
    const copy = copyOf(data);
    expect(copy.a).toBe(copy.b);
    expect(copy.a).not.toBe(list);
    expect(copy.self).toBe(copy);
  });

  it('of a list whose memory is gone is that list', () => {
    const list = Int32Array.of(1, 2);
    structuredClone(list, { transfer: [list.buffer] });
    expect(copyOf(list)).toBe(list);
  });
});

describe('a 64-bit list', () => {
  it('is read as a 32-bit one where its values fit', () => {
    const list = BigInt64Array.of(0n, -1n, 2n ** 31n - 1n);
    const given = { lengths: list as never, values: { cu: list } };
    const { lengths, values } = read(given);
    const narrow = Int32Array.of(0, -1, 2 ** 31 - 1);
    expect([lengths, values]).toEqual([narrow, { cu: narrow }]);
  });

  it.each([2n ** 31n, -(2n ** 31n) - 1n, 2n ** 63n - 1n])(
    'is left for a check to refuse: %o',
    (n) => {
      const list = BigInt64Array.of(0n, n);
      expect(read({ lengths: list as never }).lengths).toStrictEqual(list);
      const check = (): void => checkNarrow('test', 'lengths', list);
      expect(check).toThrow(`test: lengths must fit in 32 bits; got ${n}n at 1.`);
    },
  );
});
