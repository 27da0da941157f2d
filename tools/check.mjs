// `npm run check`: the static checks alone.
//   --update-api   writes the packages' api/*.d.ts instead (`npm run api:update`)
import { parseArgs } from 'node:util';
import { runChecks, updateApi } from './lib/checks.mjs';
import { runMain } from './lib/tool.mjs';
import { prepare } from './lib/setup.mjs';
import { printSummary } from './lib/summary.mjs';

await runMain(async (args) => {
  const { values } = parseArgs({ args, options: { 'update-api': { type: 'boolean' } } });
  const env = await prepare();
  return values['update-api'] ? updateApi(env) : printSummary(await runChecks(env));
});
