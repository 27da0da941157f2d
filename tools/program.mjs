// `node tools/program.mjs NAME [ARGUMENTS…]`: prepares the machine and starts a TypeScript program on the best adapter.
// NAME: start, conformance, bench, bench:gpu, bench:valkey, tune, inspect or sim, as in `npm start` or `npm run NAME`; `NAME --help` says what it takes.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bestAdapter } from './lib/adapters.mjs';
import { build } from './lib/checks.mjs';
import { engines } from './lib/engines.mjs';
import { findNullGpu } from './lib/null-gpu.mjs';
import { run } from './lib/run.mjs';
import { prepare } from './lib/setup.mjs';
import { root, runMain, say, SetupError } from './lib/tool.mjs';

/**
 * Per program its entry; `usage`, the text for `--help` (default: `usage.txt` beside the entry); `peers` if it needs the
 * dependencies of benchmarks and integrations; `built`, the packages to build, if it does not run on sources; `find`, which finds
 * its adapter; `after`, which runs at its end.
 */
const programs = {
  start: { entry: 'apps/start/src/main.ts', built: 'start^...', after: sayWhatElse },
  conformance: { entry: 'packages/conformance/src/cli/conformance-cli.ts', find: engineOf },
  bench: {
    entry: 'packages/bench/src/bench-cli.ts',
    usage: 'packages/bench/src/runs/usage.txt',
    peers: true,
  },
  'bench:gpu': { entry: 'packages/bench/src/gpu-box/box-cli.ts' },
  'bench:valkey': { entry: 'packages/bench/src/fleet/valkey-cli.ts', peers: true },
  tune: { entry: 'packages/bench/src/tune/tune-cli.ts', peers: true },
  inspect: { entry: 'packages/inspect/src/inspect-cli.ts', peers: true, find: findNullGpu },
  sim: { entry: 'packages/sim/src/sim-cli.ts', peers: true, find: () => ({ kind: 'none' }) },
};

const [, , name, ...args] = process.argv;
const program = programs[name];
await runMain(() => start(program), {
  args: program ? args : process.argv.slice(2),
  usage: program && join(root, program.usage ?? join(dirname(program.entry), 'usage.txt')),
});

async function start(chosen) {
  if (!chosen) throw new SetupError(`a program is one of ${Object.keys(programs).join(', ')}`);
  const { entry, peers = false, built, find = bestAdapter, after } = chosen;
  const env = await prepare({ peers });
  if (built) await build(env, built);
  const adapter = await find(env);
  if (adapter.missing) throw new SetupError(adapter.missing);
  say('adapter', [adapter.kind, adapter.name].filter(Boolean).join(': '));
  const flags = built ? [] : ['--conditions=@heed/source'];
  const { code } = await run('node', [...flags, join(root, entry), ...args], {
    env: { ...env, ...adapter.env },
  });
  after?.(adapter);
  return code;
}

/** Finds the engine that `--engine NAME` names, or the best adapter. */
function engineOf(env) {
  const { engine } = parseArgs({
    args,
    strict: false,
    options: { engine: { type: 'string' } },
  }).values;
  return (engines[engine] ?? bestAdapter)(env);
}

function sayWhatElse({ kind }) {
  if (kind === 'swiftshader' && process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    process.stderr.write('\nA faster software adapter: sudo node tools/lavapipe.mjs\n');
  }
  process.stderr.write('\nIn your browser, with functions of your own: npm run demo\n');
}
