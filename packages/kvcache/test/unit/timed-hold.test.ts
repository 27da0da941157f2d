import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { CacheCore } from '../../src/cache/cache-core.ts';
import { timedHold } from '../../src/cache/timed-hold.ts';
import type { PageHold } from '../../src/sequences/ledger.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const coreWith = (letGo: (hold: PageHold) => void): CacheCore =>
  ({ timedHolds: new Set(), ledger: { letGo } }) as unknown as CacheCore;

it('a hold of a load ends by itself after ten seconds', () => {
  const letGo = vi.fn<(hold: PageHold) => void>();
  const core = coreWith(letGo);
  const pages: PageHold = [];
  timedHold(core, pages);
  expect(core.timedHolds.size).toBe(1);
  vi.advanceTimersByTime(9_999);
  expect(letGo).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(letGo.mock.calls).toEqual([[pages]]);
  expect(core.timedHolds.size).toBe(0);
});

it('a hold that is disposed of leaves no timer', () => {
  const letGo = vi.fn<(hold: PageHold) => void>();
  const hold = timedHold(coreWith(letGo), []);
  hold[Symbol.dispose]();
  expect(letGo).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});
