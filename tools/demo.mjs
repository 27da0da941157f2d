// `npm run demo`: installs, builds the demo and serves it until Ctrl-C.
//   --port N         default 4173, or the next that is free
//   --host           for other machines too
//   --screenshots    takes the README's pictures of the running page, and serves nothing
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium } from './lib/engines.mjs';
import { run, tail } from './lib/run.mjs';
import { prepare } from './lib/setup.mjs';
import { root, runMain, say, SetupError } from './lib/tool.mjs';

const app = join(root, 'apps', 'demo');

await runMain(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '4173' },
      host: { type: 'boolean', default: false },
      screenshots: { type: 'boolean', default: false },
    },
  });
  const env = await prepare({ peers: false });
  if (values.screenshots) return takeScreenshots(env);
  say('build', 'the demo');
  const built = await run('vite', ['build', app, '--logLevel', 'warn'], { env, output: 'capture' });
  if (built.code !== 0) throw new SetupError(`the build failed:\n${tail(built.text)}`);
  say('serve', 'Ctrl-C ends it. Open, in a browser with WebGPU:');
  const flags = ['--port', values.port, ...(values.host ? ['--host'] : [])];
  // Ctrl-C reaches this process and the server; this one ends when the server has ended.
  process.on('SIGINT', () => {});
  const { code, signal } = await run('vite', ['preview', app, ...flags], { env });
  return signal === 'SIGINT' || code === 130 ? 0 : code;
});

async function takeScreenshots(env) {
  const chromium = await findChromium(env);
  if (chromium.missing) throw new SetupError(`screenshots: ${chromium.missing}`);
  const script = join(app, 'scripts', 'screenshots.ts');
  const { code } = await run('node', ['--conditions=@heed/source', script], {
    env: { ...env, ...chromium.env },
  });
  return code;
}
