import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { initialModel, modelFromFile, modelToFile } from '../../src/transformer/language-model.ts';
import { checkedConfig, parameterCount, presets } from '../../src/transformer/model-config.ts';
import { readSafetensors, writeSafetensors } from '../../src/transformer/safetensors.ts';

const model = initialModel(presets.tiny, 1);

/** Returns a file with the given header. */
function fileOf(header: unknown, data: number): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const file = new Uint8Array(8 + json.length + data);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const entry = (begin: number, end: number): object => ({
  dtype: 'F32',
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
});

describe('a safetensors file', () => {
  it('holds what was written', () => {
    const tensor = fc
      .array(fc.nat(4), { maxLength: 3 })
      .chain((shape) =>
        fc
          .float32Array({ minLength: size(shape), maxLength: size(shape), noNaN: true })
          .map((data) => ({ shape, data })),
      );
    const name = fc.string().filter((text) => text !== '__metadata__' && text !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(name, tensor, { noNullPrototype: true }), (tensors) => {
        const file = { tensors, metadata: { made: 'here' } };
        expect(readSafetensors(writeSafetensors(file, 'F32'))).toEqual(file);
      }),
    );
  });

  it('has its data at a multiple of 8 bytes', () => {
    for (const name of ['a', 'ab', 'abc']) {
      const tensors = { [name]: { shape: [1], data: Float32Array.of(1) } };
      const file = writeSafetensors({ tensors, metadata: {} }, 'F32');
      expect((file.length - 4) % 8).toBe(0);
    }
  });

  it('rounds to halves, and is read where its bytes are not aligned', () => {
    const tensors = { x: { shape: [2, 2], data: Float32Array.of(1, -0.1, 65504, 1e-9) } };
    const file = writeSafetensors({ tensors, metadata: {} }, 'F16');
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    const { x } = readSafetensors(shifted.subarray(1)).tensors;
    expect([...x!.data]).toEqual([1, -0.0999755859375, 65504, 0]);
  });

  it('keeps the exponents of f32 in BF16', () => {
    const tensors = { x: { shape: [3], data: Float32Array.of(1, -0.1, 1.501 * 2 ** -100) } };
    const file = writeSafetensors({ tensors, metadata: {} }, 'BF16');
    const { x } = readSafetensors(file).tensors;
    expect([...x!.data]).toEqual([1, -0.10009765625, 1.5 * 2 ** -100]);
  });

  it.for([
    ['nothing', new Uint8Array(7), 'it must have 8 bytes or more; got 7'],
    ['a header past the end', fileOf({}, 0).subarray(0, 9), 'must end within the file'],
    ['no JSON', fileOf('{', 0), 'its header must be JSON'],
    ['a list', fileOf([], 0), 'its header must be an object; got []'],
    ['another dtype', fileOf({ x: { ...entry(0, 4), dtype: 'F64' } }, 4), 'BF16; got F64'],
    ['no shape', fileOf({ x: { ...entry(0, 4), shape: [-1] } }, 4), 'got [-1]'],
    ['no offsets', fileOf({ x: { ...entry(0, 4), data_offsets: [0] } }, 4), 'got [0]'],
    ['a wrong size', fileOf({ x: { ...entry(0, 4), shape: [2] } }, 4), '"x" [2] must have 8 bytes'],
    ['a gap', fileOf({ x: entry(0, 4), y: entry(8, 12) }, 12), '"y" must begin at byte 4; got 8'],
    ['an overlap', fileOf({ x: entry(0, 8), y: entry(4, 8) }, 8), '"y" must begin at byte 8'],
    ['too little data', fileOf({ x: entry(0, 8) }, 4), 'the data must have 8 bytes; got 4'],
    ['too much data', fileOf({ x: entry(0, 8) }, 9), 'the data must have 8 bytes; got 9'],
    ['numbers for text', fileOf({ __metadata__: { a: 1 } }, 0), 'must be an object of strings'],
  ] as const)('of %s is refused', ([, file, reason]) => {
    expect(() => readSafetensors(file)).toThrow(reason);
  });
});

describe('a model', () => {
  it('is the same from the same seed, and another from another', () => {
    expect(initialModel(presets.tiny, 1)).toEqual(model);
    expect(initialModel(presets.tiny, 2)).not.toEqual(model);
  });

  it('comes back from its file', () => {
    expect(modelFromFile(modelToFile(model, 'F32'))).toEqual(model);
    const half = modelFromFile(modelToFile(model, 'F16'));
    const [name] = Object.keys(model.weights);
    for (const [i, want] of model.weights[name!]!.entries()) {
      const error = Math.abs(half.weights[name!]![i]! - want);
      expect(error).toBeLessThanOrEqual(Math.abs(want) * 2 ** -11 + 2 ** -25);
    }
    expect(half.weights[name!]).not.toEqual(model.weights[name!]);
  });

  it('of the page fits into 400 kB', () => {
    expect(parameterCount(presets.small)).toBe(182_720);
    const { length } = modelToFile(initialModel(presets.small, 1), 'F16');
    expect(length).toBeLessThanOrEqual(400_000);
  });

  it('is shipped, in the page’s own size', () => {
    const file = readFileSync(new URL('../../public/model.safetensors', import.meta.url));
    const { config, weights } = modelFromFile(file);
    expect(config).toEqual(presets.small);
    const count = Object.values(weights).reduce((sum, { length }) => sum + length, 0);
    expect(count).toBe(parameterCount(config));
    expect(file.length).toBeLessThanOrEqual(400_000);
  });

  it.for([
    ['another file', { tensors: {}, metadata: {} }, 'no heed.config in it'],
    ['a bad size', withConfig({ ...presets.tiny, layers: 0 }), 'layers must be a whole number'],
    [
      'a missing weight',
      withConfig(presets.tiny),
      '"model.embed_tokens.weight" must be [256, 32]; got nothing',
    ],
    [
      'a weight too many',
      {
        ...withConfig(presets.tiny),
        tensors: { lm_head: { shape: [1], data: new Float32Array(1) } },
      },
      'no weight "lm_head"',
    ],
  ] as const)('is not made of %s', ([, file, reason]) => {
    expect(() => modelFromFile(writeSafetensors(file, 'F32'))).toThrow(reason);
  });

  it('with a NaN is refused', () => {
    const [name] = Object.keys(model.weights);
    const weights = { ...model.weights, [name!]: model.weights[name!]!.with(3, NaN) };
    expect(() => modelFromFile(modelToFile({ ...model, weights }, 'F32'))).toThrow('holds NaN');
  });

  it.for([
    [{ heads: 3, kvHeads: 2 }, 'heads must be a multiple of kvHeads; got 3 and 2'],
    [{ headDim: 15 }, 'headDim must be even and at most 256; got 15'],
    [{ ropeTheta: 0 }, 'ropeTheta must be above 0; got 0'],
    [{ layers: '2' }, 'layers must be a whole number above 0; got 2'],
    [{ vocabSize: 100 }, 'vocabSize must be 256, one for each byte; got 100'],
  ] as const)('with sizes that do not fit is refused: %o', ([change, reason]) => {
    expect(() => checkedConfig({ ...presets.tiny, ...change })).toThrow(reason);
  });
});

describe('the shelf', () => {
  it('tells who listens, until they stop', async () => {
    // A shelf of its own: the files of this tier share their modules.
    vi.resetModules();
    const module = await import('../../src/transformer/language-model.ts');
    const { getModel, listen, putModel } = module;
    const heard: string[] = [];
    const stop = listen(({ origin }) => heard.push(origin));
    expect(heard).toEqual([]);
    putModel({ model, origin: 'one' });
    stop();
    putModel({ model, origin: 'two' });
    expect(heard).toEqual(['one']);
    expect(getModel()?.origin).toBe('two');
  });
});

function size(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function withConfig(config: object): { tensors: {}; metadata: Record<string, string> } {
  return { tensors: {}, metadata: { 'heed.config': JSON.stringify(config) } };
}
