// `npm test`: set-up, static checks, then every tier whose adapter exists.
//   --tier a,b    only these tiers        --no-static   no static checks
//   --full        the exhaustive matrix   --lanes N     GPU tiers at a time (default: one per core, at most 3)
//   -- ARGS       to vitest
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChecks } from './lib/checks.mjs';
import { cpuOfThisProcess } from './lib/run.mjs';
import { root, SetupError, runMain, say } from './lib/tool.mjs';
import { prepare } from './lib/setup.mjs';
import { printSummary } from './lib/summary.mjs';
import { runTiers, tierNames } from './lib/tiers.mjs';

await runMain(async (args) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      tier: { type: 'string', default: tierNames.join(',') },
      full: { type: 'boolean', default: false },
      static: { type: 'boolean', default: true },
      lanes: { type: 'string', default: String(Math.min(3, availableParallelism())) },
    },
    allowNegative: true,
  });
  const tiers = values.tier.split(',');
  const unknown = tiers.find((tier) => !tierNames.includes(tier));
  if (unknown) throw new SetupError(`no tier ${unknown}; there are ${tierNames.join(', ')}`);
  const lanes = Number(values.lanes);
  if (!(Number.isInteger(lanes) && lanes > 0))
    throw new SetupError(`--lanes takes a whole number from 1 on, not ${values.lanes}`);

  const env = await prepare();
  const setUp = { name: 'set-up', passed: 1, failed: 0, skipped: 0, ...spent() };
  if (values.full) env.HEED_FULL = '1';
  const rows = [setUp, ...(values.static ? await runChecks(env) : [])];
  rows.push(...(await runTiers(tiers, env, { lanes, vitestArgs: positionals })));
  say('done', values.full ? '' : leftCases());
  return printSummary(rows, { seconds: performance.now() / 1000, cores: availableParallelism() });
});

/** Says how many of the conformance cases no tier of the quick run has. */
function leftCases() {
  const read = (...path) =>
    JSON.parse(readFileSync(join(root, 'packages', 'conformance', ...path), 'utf8'));
  const { total, quick } = read('manifest.json').counts;
  const { left, groups } = read('test', 'selection', 'selection.json');
  const run = quick - left.length + groups.length;
  return `${run} of ${total} conformance cases; npm run test:full has the others`;
}

/** Returns the time since this process began and, on Linux, the processor time of it and its children. */
function spent() {
  const seconds = performance.now() / 1000;
  return { seconds, cpuSeconds: cpuOfThisProcess() };
}
