import { UnsupportedError, ValidationError } from '@heed/core';
import { expect, it } from 'vitest';
import { storedTensors } from '../../src/checkpoint/safetensors-files.ts';
import { folderOf, safetensors } from '../random-checkpoint.ts';

const weight = { shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) };
const good = safetensors(
  [
    ['a', weight],
    ['b', weight],
  ],
  'F32',
);

/** A file with another header over the same data. */
async function headed(header: object | string, data = 32): Promise<Blob> {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  return new Blob([new BigUint64Array([BigInt(json.length)]), json, new Uint8Array(data)]);
}

const entry = (begin: number, end: number, more = {}): object => {
  return { dtype: 'F32', shape: [2, 2], data_offsets: [begin, end], ...more };
};

it('lists tensors without reading them', async () => {
  const all = await storedTensors(folderOf({ 'model.safetensors': good }));
  expect([...all.keys()]).toEqual(['a', 'b']);
  const { file, begin, bytes, dtype, shape } = all.get('b')!;
  expect({ dtype, shape, bytes }).toEqual({ dtype: 'f32', shape: [2, 2], bytes: 16 });
  const data = await file.slice(begin, begin + bytes).arrayBuffer();
  expect(new Float32Array(data)).toEqual(weight.values);
});

it.for([
  ['no file', undefined, 'model.safetensors: it must be in the folder'],
  ['an empty file', new Blob([]), '8 bytes or more'],
  ['a cut header', good.slice(0, 20), 'its header must have at most'],
  ['cut data', good.slice(0, good.size - 4), 'it must have'],
  ['more data', new Blob([good, new Uint8Array(4)]), 'it must have'],
  ['a header that is no JSON', headed('{'), 'its header must be a JSON object'],
  ['a gap', headed({ a: entry(4, 20) }), '"a" must begin at byte'],
  ['an overlap', headed({ a: entry(0, 16), b: entry(8, 24) }), '"b" must begin at byte'],
  [
    'a size that is not the shape’s',
    headed({ a: entry(0, 12) }),
    '"a" [2, 2] must have 16 bytes; got 12',
  ],
  [
    'a shape that is no shape',
    headed({ a: entry(0, 16, { shape: [2, -2] }) }),
    'shape of whole numbers',
  ],
] as const)('refuses %s', async ([, file, message]) => {
  const folder = folderOf({ ...((await file) && { 'model.safetensors': (await file)! }) });
  await expect(storedTensors(folder)).rejects.toThrow(ValidationError);
  await expect(storedTensors(folder)).rejects.toThrow(message);
});

it('refuses dtypes that it does not load, by name', async () => {
  const folder = folderOf({
    'model.safetensors': await headed({ a: entry(0, 4, { dtype: 'U8' }) }),
  });
  await expect(storedTensors(folder)).rejects.toThrow(UnsupportedError);
  await expect(storedTensors(folder)).rejects.toThrow('dtype U8, which "a" has');
});

it('refuses an index whose shards lack a tensor', async () => {
  const index = 'model.safetensors.index.json';
  const files = {
    'x.safetensors': good,
    [index]: { weight_map: { a: 'x.safetensors', c: 'x.safetensors' } },
  };
  await expect(storedTensors(folderOf(files))).rejects.toThrow('x.safetensors: it must have "c"');
  await expect(storedTensors(folderOf({ [index]: {} }))).rejects.toThrow('weight_map');
});
