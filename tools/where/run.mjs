import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from '../lib/log.mjs';
import { cache, root } from '../lib/paths.mjs';
import { run } from '../lib/run.mjs';
import { compiler } from '../lib/tiers.mjs';
import { rows } from './rows.mjs';

/** Runs one row's cases; gives its part of the data, or `{ missing }` with the reason. */
export async function runRow(name, env, { tag }) {
  const { find, args, tier } = rows[name];
  const adapter = await find(env);
  if (adapter.missing) return adapter;
  say('where', `${name}: ${adapter.name}`);
  mkdirSync(join(cache, 'reports'), { recursive: true });
  const file = join(cache, 'reports', `where-${name}.json`);
  rmSync(file, { force: true });
  const flags = [
    '--conditions=@heed/source',
    join(root, 'packages/conformance/src/cli/conformance-cli.ts'),
  ];
  const { code } = await run('node', [...flags, '--tag', tag, '--json', file, ...args], {
    env: { ...env, ...adapter.env, ...compiler(tier, env) },
  });
  if (code === 2) throw new SetupError(`${name} could not run`);
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const inNode = !args.includes('--engine');
  return {
    on: inNode
      ? `Node ${process.versions.node}, webgpu ${dawnVersion()}, ${adapter.name}`
      : adapter.name,
    date: new Date().toISOString().slice(0, 10),
    tag,
    ...countsOf(report),
  };
}

/** Counts, which cases failed, and how many cases lacked what. */
export function countsOf({ counts, pipelines, cases }) {
  const lacks = {};
  for (const { status, report = '' } of cases)
    if (status === 'unsupported') lacks[report] = (lacks[report] ?? 0) + 1;
  const failed = cases.filter(({ status }) => status === 'fail').map(({ id }) => id);
  return { cases: cases.length, ...counts, pipelines, failed, lacks };
}

function dawnVersion() {
  const manifest = join(root, 'node_modules/webgpu/package.json');
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}
