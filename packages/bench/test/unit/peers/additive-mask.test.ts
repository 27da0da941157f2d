import { expect, test } from 'vitest';
import { additiveMask } from '../../../src/peers/additive-mask.ts';
import type { Workload } from '../../../src/workloads.ts';

const workload = (causal: boolean, ...sequences: [number, number][]): Workload => ({
  id: '',
  title: '',
  dtype: 'f32',
  layout: 'packed',
  causal,
  headsQ: 1,
  headsKv: 1,
  headDim: 1,
  sequences: sequences.map(([seqlenQ, seqlenK]) => ({ seqlenQ, seqlenK })),
});
/** One string a row: 1 where a query sees a key. */
const picture = (mask: Float32Array | undefined, maxK: number): string[] => {
  const marks = [...(mask ?? [])].map((x) => (x === 0 ? '1' : '.')).join('');
  return marks.match(new RegExp(`.{${maxK}}`, 'g')) ?? [];
};

test('no mask where every query sees every key', () => {
  expect(additiveMask(workload(false, [2, 3], [2, 3]))).toBeUndefined();
  expect(additiveMask(workload(true, [1, 4]))).toBeUndefined();
});

test('the causal diagonal is tied to the end', () => {
  expect(picture(additiveMask(workload(true, [2, 3])), 3)).toEqual(['11.', '111']);
});

test('keys before a window are hidden', () => {
  const mask = additiveMask({ ...workload(true, [4, 4]), window: 1 });
  expect(picture(mask, 4)).toEqual(['1...', '11..', '.11.', '..11']);
  const decode = additiveMask({ ...workload(true, [1, 4]), window: 2 });
  expect(picture(decode, 4)).toEqual(['.111']);
});

test('keys past a length are hidden, and no row is empty', () => {
  const causal = picture(additiveMask(workload(true, [3, 3], [1, 1])), 3);
  expect(causal).toEqual(['1..', '11.', '111', '1..', '1..', '1..']);
  const full = picture(additiveMask(workload(false, [2, 3], [2, 1])), 3);
  expect(full).toEqual(['111', '111', '1..', '1..']);
});
