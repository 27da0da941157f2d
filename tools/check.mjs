// `npm run check`: the static checks alone; with --update-api, writes the packages' api/*.d.ts instead.
import { runChecks, updateApi } from './lib/checks.mjs';
import { runMain } from './lib/log.mjs';
import { prepare } from './lib/setup.mjs';
import { printSummary } from './lib/summary.mjs';

await runMain(async (args) => {
  const env = await prepare();
  return args.includes('--update-api') ? updateApi(env) : printSummary(await runChecks(env));
});
