import { describe, expect, it } from 'vitest';
import {
  boundedHash,
  custom,
  leastLoaded,
  leastTtft,
  loadOrCompute,
  type Router,
} from '../../src/index.ts';
import { idle, names, open, snapshot, tokens } from './open-router.ts';

describe('policies', () => {
  const spread = (router: Router, prompts: readonly number[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const first of prompts) {
      const { worker } = router.route(names(8, first), { length: 8 })!;
      counts.set(worker, (counts.get(worker) ?? 0) + 1);
    }
    return counts;
  };

  it('leastLoaded takes the shortest queue in time', () => {
    const { router } = open({ policy: leastLoaded });
    router.load('slow', { ...idle, queuedTokens: 100, tokensPerSecond: 100 });
    router.load('fast', { ...idle, queuedTokens: 500, tokensPerSecond: 1000 });
    router.apply(snapshot('slow', names(8)));
    expect(router.route(names(8), { length: 8 })!.worker).toBe('fast');
  });

  it('boundedHash sends a beginning to one worker, whatever follows, and spreads others', () => {
    const { router } = open({ policy: boundedHash, pageSize: 1024, speculativeMs: 0 });
    for (const worker of 'abcdef') router.load(worker, idle);
    const place = (start: string, end: string): string => {
      const pick = router.route([start.padStart(32, '0'), end.padStart(32, '0')], {
        length: 2049,
      })!;
      pick.firstToken();
      return pick.worker;
    };
    const places = tokens(600).map((i) => place(`${i}`, '0'));
    expect(tokens(600).map((i) => place(`${i}`, `${i + 1}`))).toEqual(places);
    const counts = Array.from('abcdef').map(
      (worker) => places.filter((one) => one === worker).length,
    );
    for (const count of counts) expect(count).toBeGreaterThan(60); // 100 each, give or take four deviations
    router.drop('a');
    const after = tokens(600).map((i) => place(`${i}`, '0'));
    const moved = after.filter((worker, i) => worker !== places[i]).length;
    expect(moved).toBe(counts[0]);
  });

  it('boundedHash lets no queue grow beyond its bound', () => {
    const { router } = open({ policy: boundedHash, speculativeMs: 0 });
    for (const worker of 'abcd') router.load(worker, idle);
    const counts = spread(
      router,
      Array.from({ length: 200 }, () => 7),
    ); // one prompt, 200 times, nothing done
    expect([...counts.values()].reduce((a, b) => a + b)).toBe(200);
    for (const count of counts.values())
      expect(count).toBeLessThanOrEqual(Math.ceil((1.25 * 200) / 4) + 1);
    expect(router.route([], { length: 3 })).toBeDefined();
  });

  it('custom takes the highest score, and refuses what is none', () => {
    const { router } = open({ policy: custom(({ worker }) => worker.charCodeAt(0)) });
    for (const worker of 'bca') router.load(worker, idle);
    expect(router.route([], { length: 1 })!.worker).toBe('c');
    const broken = open({ policy: custom(() => NaN, 'mine') }).router;
    broken.load('a', idle);
    expect(() => broken.route([], { length: 1 })).toThrow(
      /^mine: a score must be a number; got NaN/,
    );
    const none = open({ policy: { name: 'none', choose: () => undefined as never } }).router;
    none.load('a', idle);
    expect(() => none.route([], { length: 1 })).toThrow(/none must choose a candidate/);
  });

  it('ties are broken at random', () => {
    let next = 0;
    const { router } = open({ policy: leastTtft, random: () => next });
    for (const worker of 'abc') router.load(worker, idle);
    const chosen = [0, 0.5, 0.99].map((value) => {
      next = value;
      const pick = router.route([], { length: 1 })!;
      pick.firstToken();
      pick.done();
      return pick.worker;
    });
    expect(chosen).toEqual(['a', 'b', 'c']);
  });
});

describe('loadOrCompute', () => {
  const rates = { bytesPerToken: 32_768, bytesPerSecond: 500e6, tokensPerSecond: 1000 };
  it('compares both times', () => {
    const slow = loadOrCompute({
      ...rates,
      tokens: 2048,
      cpuSecondsPerByte: 51e-9,
      roundTripMs: 1,
    });
    expect(slow.load).toBe(false);
    expect(slow.loadMs).toBeCloseTo(1 + 134.2 + 3422.6, 0);
    expect(loadOrCompute({ ...rates, tokens: 2048 })).toMatchObject({
      load: true,
      computeMs: 2048,
    });
    expect(loadOrCompute({ ...rates, tokens: 255 }).load).toBe(false);
    expect(loadOrCompute({ ...rates, tokens: 255, minTokens: 0 }).load).toBe(true);
    expect(loadOrCompute({ ...rates, tokens: 0, minTokens: 0, bytesPerSecond: 0 }).loadMs).toBe(0);
    expect(loadOrCompute({ ...rates, tokens: 512, bytesPerSecond: 0 }).load).toBe(false);
    expect(loadOrCompute({ ...rates, tokens: 512, tokensPerSecond: 0 }).load).toBe(true);
  });

  it('refuses what is no rate', () => {
    expect(() => loadOrCompute({ ...rates, tokens: -1 })).toThrow(
      /tokens must be a number from 0 on; got -1/,
    );
    expect(() => loadOrCompute({ ...rates, token: 1 } as never)).toThrow(
      /there is no token in rates/,
    );
  });
});
