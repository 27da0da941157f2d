// `npm run bench:gpu`: checks heed on the best adapter and measures it beside PyTorch, where there is one, on the same card.
import { runProgram } from './lib/program.mjs';

await runProgram('packages/bench/src/gpu-box/box-cli.ts', { peers: false });
