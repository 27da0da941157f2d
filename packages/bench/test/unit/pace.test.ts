import { expect, test } from 'vitest';
import { Pace } from '../../src/pace.ts';

test('a pace numbers the steps, and takes those to come to be like those done', () => {
  let now = 500;
  const pace = new Pace(4, () => now);
  expect(pace.next('a')).toBe('1/4 a');
  now += 40_000;
  expect(pace.next('b')).toBe('2/4 b, about 2:00 left');
  now += 10_000;
  expect(pace.next('c')).toBe('3/4 c, about 0:50 left');
  now += 400;
  expect(pace.next('d')).toBe('4/4 d, about 0:17 left');
});
