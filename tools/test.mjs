// `npm test`: set-up, static checks, then every tier whose adapter exists.
//   --tier a,b    only these tiers        --no-static   no static checks
//   --full        the exhaustive matrix   -- ARGS       to vitest
import { parseArgs } from 'node:util';
import { runChecks } from './lib/checks.mjs';
import { SetupError, runMain, say } from './lib/log.mjs';
import { prepare } from './lib/setup.mjs';
import { printSummary } from './lib/summary.mjs';
import { runTier, tierNames } from './lib/tiers.mjs';

await runMain(async (args) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      tier: { type: 'string', default: tierNames.join(',') },
      full: { type: 'boolean', default: false },
      static: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const tiers = values.tier.split(',');
  const unknown = tiers.find((tier) => !tierNames.includes(tier));
  if (unknown) throw new SetupError(`no tier ${unknown}; there are ${tierNames.join(', ')}`);

  const env = await prepare();
  if (values.full) env.HEED_FULL = '1';
  const rows = values.static ? await runChecks(env) : [];
  for (const tier of tiers) rows.push(await runTier(tier, env, positionals));
  say('done', '');
  return printSummary(rows);
});
