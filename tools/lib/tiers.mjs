import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findAdapter, findMatrices } from './adapters.mjs';
import { findChromium } from './browser.mjs';
import { SetupError, say } from './log.mjs';
import { cache } from './paths.mjs';
import { run } from './run.mjs';
import { tierCounts } from './summary.mjs';

/** In the order they run. Each is a vitest project of the same name, and a process of its own. */
const TIERS = {
  unit: () => ({ name: 'no GPU', env: {} }),
  'gpu-node': (env) => findAdapter('lavapipe', env),
  'gpu-minimal': async (env) => {
    const adapter = await findAdapter('lavapipe', env);
    return adapter.missing ? findAdapter('swiftshader', env) : adapter;
  },
  'gpu-swiftshader': (env) => findAdapter('swiftshader', env),
  'gpu-browser': (env) => findChromium(env),
  demo: (env) => findChromium(env),
  'subgroup-matrix': (env) => findMatrices(env),
  gpu: (env) => findAdapter('gpu', env),
};

/** A driver that hangs must not hang the whole run. */
const LIMIT_MS = { usual: 30 * 60_000, full: 6 * 3_600_000 };

export const tierNames = Object.keys(TIERS);

/** Runs one tier, or skips it by name; gives its row of the summary. */
export async function runTier(tier, env, vitestArgs) {
  const adapter = await findTierAdapter(tier, env);
  if (adapter.missing) {
    say(tier, `skipped: ${adapter.missing}`);
    return { name: tier, reason: `skipped: ${adapter.missing}`, passed: 0, failed: 0, skipped: 1 };
  }
  if (adapter.broken) {
    say(tier, adapter.broken);
    return { name: tier, reason: adapter.broken, passed: 0, failed: 1, skipped: 0 };
  }
  say(tier, `on ${adapter.name}`);
  const report = join(cache, 'reports', `${tier}.json`);
  mkdirSync(join(cache, 'reports'), { recursive: true });
  rmSync(report, { force: true });
  const started = Date.now();
  const reporters = ['--reporter=default', '--reporter=./tools/lib/tier-reporter.mjs'];
  const args = ['run', '--project', tier, ...reporters, ...vitestArgs];
  const { code } = await run('vitest', args, {
    env: { ...env, ...adapter.env, HEED_TIER: tier, HEED_REPORT: report },
    timeoutMs: env.HEED_FULL ? LIMIT_MS.full : LIMIT_MS.usual,
  });
  return {
    name: tier,
    adapter: adapter.name,
    seconds: (Date.now() - started) / 1000,
    ...tierCounts(readReport(report), code),
  };
}

/** An adapter that is there but cannot be used is a failure, and no reason to give up the other tiers. */
async function findTierAdapter(tier, env) {
  try {
    return await TIERS[tier](env);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { broken: error.message };
  }
}

function readReport(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}
