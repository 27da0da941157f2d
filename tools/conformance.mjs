// `npm run conformance`: runs the conformance cases on the best adapter, or with `--engine NAME` in that engine. Arguments go
// to the runner.
import { parseArgs } from 'node:util';
import { engines } from './lib/engines.mjs';
import { runProgram } from './lib/program.mjs';

const options = { engine: { type: 'string' } };

await runProgram('packages/conformance/src/cli/conformance-cli.ts', {
  peers: false,
  find: (args) => engines[parseArgs({ args, strict: false, options }).values.engine],
});
