import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findAdapter, findFirst, findMatrices } from './adapters.mjs';
import { findNullGpu } from './null-gpu.mjs';
import { findChromium, findFirefox, findNaga, findValkey } from './engines.mjs';
import { inLanes, run } from './run.mjs';
import { tierCounts } from './summary.mjs';
import { cache, say, SetupError } from './tool.mjs';

/**
 * In the order they begin, so that two lanes end together. Each is a vitest project of the same name, and a process of its own.
 * `budget`: processor seconds in the quick run, on a machine whose cores do nothing else. `narrow`: lavapipe compiles for vectors (and
 * so subgroups) of 4 in place of 8 there, since the tier says as much with them. `tags`: which tests the quick run takes, beside `!full`;
 * `gpu-node` and `once` share those of `test/gpu`, and what depends on no device compiles in half the time in `once`.
 */
const TIERS = {
  unit: { find: () => ({ name: 'no GPU', env: {} }), budget: 90 },
  'gpu-node': { find: (env) => findAdapter('lavapipe', env), budget: 150, tags: 'device' },
  once: {
    find: (env) => findFirst(['lavapipe', 'swiftshader', 'gpu'], env),
    budget: 150,
    narrow: true,
    tags: '!device',
  },
  'gpu-swiftshader': {
    find: (env) => findAdapter('swiftshader', env),
    budget: 50,
    tags: 'device',
  },
  'gpu-browser': { find: findChromium, budget: 50 },
  demo: { find: findChromium, budget: 45 },
  'gpu-minimal': {
    find: (env) => findFirst(['lavapipe', 'swiftshader'], env),
    budget: 40,
    narrow: true,
    tags: 'device',
  },
  'gpu-compiler': { find: findNullGpu, budget: 20 },
  valkey: { find: findServerAndAdapter, budget: 60, narrow: true },
  'gpu-naga': { find: findNaga, budget: 40, narrow: true },
  'gpu-firefox': { find: findFirefox, budget: 40, narrow: true },
  'subgroup-matrix': { find: findMatrices },
  gpu: { find: (env) => findAdapter('gpu', env) },
};

/** Tests of the tier `valkey` need a server, and workers of a cell an adapter as well. */
async function findServerAndAdapter(env) {
  const server = await findValkey(env);
  if (server.missing) return server;
  const adapter = await findFirst(['lavapipe', 'swiftshader', 'gpu'], env);
  if (adapter.missing) return adapter;
  return { name: `${server.name}, ${adapter.name}`, env: { ...adapter.env, ...server.env } };
}

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
  const args = ['run', '--project', tier, ...reporters, ...quickOnly(tier, env), ...vitestArgs];
  const { code, cpuSeconds } = await run('vitest', args, {
    env: { ...tierEnv(tier, adapter, env), HEED_REPORT: report },
    output,
    timeoutMs: env.HEED_FULL ? LIMIT_MS.full : LIMIT_MS.usual,
    measure: true,
  });
  return {
    name: tier,
    adapter: adapter.name,
    seconds: (Date.now() - started) / 1000,
    cpuSeconds,
    ...(!env.HEED_FULL && { budget: TIERS[tier].budget }),
    ...tierCounts(readReport(report), code),
  };
}

function tierEnv(tier, adapter, env) {
  const { tags } = TIERS[tier];
  const quick = env.HEED_FULL || !tags ? {} : { HEED_TAGS: tags };
  return { ...env, ...adapter.env, ...compiler(tier, env), ...quick, HEED_TIER: tier };
}

/** Which tests of a tier the quick run leaves to `npm run test:full`; the tags are described in vitest.config.ts. */
function quickOnly(tier, env) {
  if (env.HEED_FULL) return [];
  const { tags } = TIERS[tier];
  return [`--tags-filter=${tags ? `${tags} && !full` : '!full'}`];
}

/**
 * Most of a tier's time on lavapipe goes to LLVM: it runs without its optimisation passes, and for vectors of 4 in place of
 * 8 where those do. The exhaustive matrix compiles as users' machines do.
 */
export function compiler(tier, env) {
  if (env.HEED_FULL) return {};
  return {
    GALLIVM_PERF: 'nopt',
    ...(TIERS[tier]?.narrow && { LP_NATIVE_VECTOR_WIDTH: '128' }),
  };
}

/** An adapter that is there but cannot be used is a failure, and no reason to give up the other tiers. */
async function findTierAdapter(tier, env) {
  try {
    return await TIERS[tier].find(env);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { broken: error.message };
  }
}

function readReport(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}
