// `npm run tune`: times the kernels on the best adapter and writes the fastest as a tuning. Arguments go to the tuner.
import { runProgram } from './lib/program.mjs';

await runProgram('packages/bench/src/tune/tune-cli.ts');
