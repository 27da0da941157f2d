// `npm run check`: the static checks alone.
//   --update-api   writes the packages' api/*.d.ts instead (`npm run api:update`)
//   --build        builds the packages instead (`npm run build`)
import { parseArgs } from 'node:util';
import { build, runChecks, updateApi } from './lib/checks.mjs';
import { prepare } from './lib/setup.mjs';
import { printSummary } from './lib/summary.mjs';
import { runMain } from './lib/tool.mjs';

await runMain(async (args) => {
  const { values } = parseArgs({
    args,
    options: { 'update-api': { type: 'boolean' }, build: { type: 'boolean' } },
  });
  const env = await prepare({ peers: !values.build });
  if (values['update-api']) return updateApi(env);
  if (!values.build) return printSummary(await runChecks(env));
  await build(env, './packages/*');
  return 0;
});
