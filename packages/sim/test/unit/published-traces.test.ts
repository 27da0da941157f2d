import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { routed } from '../../src/cell/dispatcher.ts';
import { costModel } from '../../src/cost/constants.ts';
import { hitRate } from '../../src/studies/capacity-curve.ts';
import { comparePolicies, rateErrors } from '../../src/studies/study-runs.ts';
import { parseMooncake, type Trace } from '../../src/trace/trace.ts';

/** The folder of Mooncake's traces, github.com/kvcache-ai/Mooncake, FAST25-release/traces; its files are not part of heed. */
const folder = process.env['HEED_TRACES'];

const file = (name: string): string => join(folder!, `${name}_trace.jsonl`);
const trace = (name: string): Trace => parseMooncake(name, readFileSync(file(name), 'utf8'));

const isThere =
  folder !== undefined && ['conversation', 'synthetic'].every((name) => existsSync(file(name)));

describe.skipIf(!isThere)('the traces of Mooncake (HEED_TRACES names their folder)', () => {
  it('the synthetic one has the published share of known tokens', { timeout: 300_000 }, () => {
    const synthetic = trace('synthetic');
    const all = hitRate(synthetic, Infinity).hitRate;
    // Published: 66 % in an unlimited cache, and with 3 million tokens 48 % of that.
    expect(Math.abs(all - 0.66)).toBeLessThanOrEqual(0.015);
    expect(Math.abs(hitRate(synthetic, 3e6).hitRate / all - 0.48)).toBeLessThanOrEqual(0.015);
    expect(hitRate(synthetic, 50e6).hitRate / all).toBeGreaterThan(0.98);
  });

  it.for([0, 0.5])(
    'routing by prefixes pays, with rates off by %d',
    { timeout: 600_000 },
    (error) => {
      const size = { workers: 10, workerTokens: 3e6, storeTokens: 0, costs: costModel() };
      for (const name of ['conversation', 'synthetic']) {
        const rateError = rateErrors(10, error);
        const policies = [routed('leastLoaded', 512), routed('leastTtft', 512)];
        const runs = comparePolicies(trace(name), { ...size, rateError }, policies);
        const [load, prefixes] = runs.map(({ figures }) => figures);
        expect(prefixes!.firstToken[1]).toBeLessThanOrEqual(load!.firstToken[1]);
        if (error > 0 || name !== 'conversation') continue;
        expect(prefixes!.hitRate).toBeGreaterThanOrEqual(0.31);
        expect(prefixes!.firstToken[1]).toBeLessThanOrEqual(0.8 * load!.firstToken[1]);
        expect(prefixes!.busiest).toBeLessThanOrEqual(1.3);
      }
    },
  );
});
