// `npm run bench`: installs the peers too and runs the benchmarks on the best adapter. Arguments go to the benchmarks.
import { runProgram } from './lib/program.mjs';

await runProgram('packages/bench/src/bench-cli.ts');
