import { expect, test } from 'vitest';
import { wavesOf, familyOf } from '../../src/amd/gpu-family.ts';
import { factsOfLabel, multiplyAdds } from '../../src/compile/kernel-facts.ts';

const tile = 'path=portable threadsM=8 rowsPerThread=4 unroll=true';

test('the label of a kernel says what a turn of its loop computes', () => {
  const label = `heed/forward q=f16 kv=f16 out=f16 | d=128 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band | ${tile}`;
  const facts = factsOfLabel(label)!;
  expect(facts).toEqual({
    kind: 'forward',
    path: 'portable',
    rows: 32,
    keys: 32,
    headDim: 128,
    headDimV: 64,
    isDecode: false,
    isApart: false,
  });
  expect(multiplyAdds(facts)).toBe(32 * 32 * (128 + 64));
  expect(factsOfLabel(label.replace('rows=head', 'rows=group'))!.isDecode).toBe(true);
});

test('a backward kernel multiplies more, and for dk and dv it turns over query rows', () => {
  const label = `heed/backward dkv q=f16 kv=f16 result=f16 | d=128 dv=64 | dense strided | read=vec4 write=vec4 | hooks=band | ${tile.replace('threadsM=8', 'threadsM=16')}`;
  const dkv = factsOfLabel(label)!;
  expect([dkv.rows, dkv.keys]).toEqual([32, 64]);
  expect(multiplyAdds(dkv)).toBe(32 * 64 * 2 * (128 + 64));
  const dq = factsOfLabel(label.replace('dkv', 'dq'))!;
  expect([dq.rows, dq.keys]).toEqual([64, 32]);
  expect(multiplyAdds(dq)).toBe(32 * 64 * (2 * 128 + 64));
});

test('where dk and dv have a workgroup each, the figures are of dk', () => {
  const label = `heed/backward dkv q=f16 kv=f16 result=f16 | d=576 dv=512 | dense strided | read=vec4 write=vec4 | hooks=band | ${tile}`;
  const dkv = factsOfLabel(label)!;
  expect(dkv.isApart).toBe(true);
  expect(multiplyAdds(dkv)).toBe(32 * 32 * (2 * 576 + 512));
});

test('a helper has no tile', () => {
  expect(factsOfLabel('heed/combine splits dv=128 part=f32')).toBeUndefined();
});

test('registers and LDS limit the waves of a SIMD', () => {
  const kernel = { lanes: 64, threads: 64, vgprs: 168, lds: 14_336 };
  expect(wavesOf(familyOf('navi31'), kernel)).toEqual({ byRegisters: 4, byLds: 2 });
  expect(wavesOf(familyOf('vega10'), kernel)).toEqual({ byRegisters: 1, byLds: 1 });
  expect(wavesOf(familyOf('navi21'), { ...kernel, vgprs: 24, lds: 0 })).toEqual({
    byRegisters: 16,
    byLds: 16,
  });
});
