import { expect, it } from 'vitest';
import { burstClock } from '../../../src/stores/fs-store.ts';

it('gives calls in quick succession one time, for a minute at most', () => {
  const times = [0, 9_000, 18_000, 29_000, 38_000, 47_000, 56_000, 65_000, 74_000, 83_000, 92_000];
  let at = 0;
  const clock = burstClock(() => times[at++]!);
  const given = times.map(() => clock());
  const second = [29_000, 29_000, 29_000, 29_000, 29_000, 29_000, 29_000];
  expect(given).toEqual([0, 0, 0, ...second, 92_000]);
});

it('begins anew when the clock is set back', () => {
  const times = [50_000, 1_000, 2_000];
  const clock = burstClock(() => times.shift()!);
  expect([clock(), clock(), clock()]).toEqual([50_000, 1_000, 1_000]);
});
