import { expect, it } from 'vitest';
import { disagreement } from '../../../src/tune/contender.ts';

const want = Float32Array.of(2, -1, 0.5, 0);

it('lets sums differ as they do in another order', () => {
  const got = want.map((x) => x + 2e-5);
  expect(disagreement(got, want, 'f32')).toBeUndefined();
  expect(
    disagreement(
      want.map((x) => x + 4e-3),
      want,
      'f16',
    ),
  ).toBeUndefined();
});

it.for([
  ['f32', 1e-3],
  ['f16', 1e-2],
] as const)('tells the first element that is off: %s', ([dtype, off]) => {
  const got = want.map((x, i) => (i < 2 ? x : x + off));
  expect(disagreement(got, want, dtype)).toMatch(/^element 2 is 0\.5\d+, the default gives 0\.5$/);
});

it('takes no NaN for agreement, nor a missing element', () => {
  expect(disagreement(Float32Array.of(2, NaN, 0.5, 0), want, 'f16')).toContain('element 1 is NaN');
  expect(disagreement(want.slice(0, 3), want, 'f16')).toContain('element 3 is undefined');
});

it('asks no more of results near 0 than of others', () => {
  const tiny = Float32Array.of(1e-9, -1e-9);
  expect(disagreement(Float32Array.of(-1e-9, 1e-9), tiny, 'f32')).toBeUndefined();
});
