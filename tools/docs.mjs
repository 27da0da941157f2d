// `npm run docs`: the site of the API and the guides, in tools/docs/dist.
//   --serve          serves it until Ctrl-C
//   --port N         default 4174, or the next that is free
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './lib/run.mjs';
import { prepare } from './lib/setup.mjs';
import { root, runMain, say } from './lib/tool.mjs';

const folder = join(root, 'tools', 'docs');

await runMain(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      serve: { type: 'boolean', default: false },
      port: { type: 'string', default: '4174' },
    },
  });
  const env = await prepare();
  say('docs', 'reading the packages and the guides');
  const { code } = await run('node', [join(folder, 'site.mjs')], { env });
  if (code !== 0) return code;
  say('docs', join('tools', 'docs', 'dist', 'index.html'));
  if (!values.serve) return 0;
  say('serve', 'Ctrl-C ends it');
  process.on('SIGINT', () => {});
  const served = await run('vite', ['preview', folder, '--port', values.port], { env });
  return served.signal === 'SIGINT' || served.code === 130 ? 0 : served.code;
});
