import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findAdapter, findFirst, findMatrices } from './adapters.mjs';
import { findChromium, findFirefox } from './browser.mjs';
import { findNaga } from './deno.mjs';
import { inLanes } from './lanes.mjs';
import { SetupError, say } from './log.mjs';
import { cache } from './paths.mjs';
import { run } from './run.mjs';
import { tierCounts } from './summary.mjs';

/** In the order they begin, so that two lanes end together. Each is a vitest project of the same name, and a process of its own. */
const TIERS = {
  unit: () => ({ name: 'no GPU', env: {} }),
  'gpu-node': (env) => findAdapter('lavapipe', env),
  'gpu-swiftshader': (env) => findAdapter('swiftshader', env),
  'gpu-minimal': (env) => findFirst(['lavapipe', 'swiftshader'], env),
  once: (env) => findFirst(['lavapipe', 'swiftshader', 'gpu'], env),
  demo: (env) => findChromium(env),
  'gpu-browser': (env) => findChromium(env),
  'gpu-naga': (env) => findNaga(env),
  'gpu-firefox': (env) => findFirefox(env),
  'subgroup-matrix': (env) => findMatrices(env),
  gpu: (env) => findAdapter('gpu', env),
};

/** A driver that hangs must not hang the whole run. */
const LIMIT_MS = { usual: 30 * 60_000, full: 6 * 3_600_000 };

export const tierNames = Object.keys(TIERS);

/**
 * Runs tiers and gives a row of the summary for each. The one without a GPU goes alone, since it fills every
 * core; the others spend their time in a driver's compiler, which has one thread, so several run at a time.
 */
export async function runTiers(tiers, env, { lanes, vitestArgs }) {
  // One by one: two that need the same download would otherwise both begin it.
  const found = [];
  for (const tier of tiers) found.push({ tier, adapter: await findTierAdapter(tier, env) });
  const width = Math.max(...tiers.map((tier) => tier.length));
  const together = (some, atOnce) => {
    const beside = Math.min(some.length, atOnce) > 1;
    const tasks = some.map(({ tier, adapter }) => () => {
      const output = beside ? { prefix: `${tier.padEnd(width)} │ ` } : 'inherit';
      return runTier(tier, adapter, env, { output, vitestArgs });
    });
    return inLanes(tasks, atOnce);
  };
  const [unit, gpu] = [true, false].map((is) =>
    found.filter((one) => (one.tier === 'unit') === is),
  );
  const rows = await together(unit, 1);
  return rows.concat(await together(gpu, lanes));
}

/** Runs one tier, or skips it by name. */
async function runTier(tier, adapter, env, { output, vitestArgs }) {
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
    env: { ...env, ...adapter.env, ...compiler(tier, env), HEED_TIER: tier, HEED_REPORT: report },
    output,
    timeoutMs: env.HEED_FULL ? LIMIT_MS.full : LIMIT_MS.usual,
  });
  return {
    name: tier,
    adapter: adapter.name,
    seconds: (Date.now() - started) / 1000,
    ...tierCounts(readReport(report), code),
  };
}

/** Tiers that say as much with vectors (and so subgroups) of 4 as with 8. */
const NARROW = ['once', 'gpu-minimal', 'gpu-naga', 'gpu-firefox'];

/**
 * Most of a tier's time on lavapipe goes to LLVM: it runs without its optimisation passes, and for vectors of 4 in place of
 * 8 where those do. The exhaustive matrix compiles as users' machines do.
 */
export function compiler(tier, env) {
  if (env.HEED_FULL) return {};
  return {
    GALLIVM_PERF: 'nopt',
    ...(NARROW.includes(tier) && { LP_NATIVE_VECTOR_WIDTH: '128' }),
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
