// `npm run where`: runs the conformance cases for browsers on every adapter and engine of this machine, and writes the results to
// docs/where-it-runs.md and .json. Adapters that this machine lacks keep their rows.
//   --row a,b       only these rows        --tag NAME   cases with this tag (default: browser)
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findAdapter, findMatrices } from './lib/adapters.mjs';
import { engines } from './lib/engines.mjs';
import { run } from './lib/run.mjs';
import { prepare } from './lib/setup.mjs';
import { compiler } from './lib/tiers.mjs';
import { cache, isMain, root, runMain, say, SetupError } from './lib/tool.mjs';

const dataFile = join(root, 'docs/where-it-runs.json');
const pageFile = join(root, 'docs/where-it-runs.md');

/** Writes a file in one step, because several processes may write it. */
function write(path, text) {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

function read() {
  return existsSync(dataFile) ? JSON.parse(readFileSync(dataFile, 'utf8')) : {};
}

/**
 * The rows of the page in order: the subject, the test tier that runs the same way, a function that finds the adapter, and the
 * arguments of the conformance runner.
 */
export const rows = {
  gpu: {
    shows: 'a real GPU',
    tier: 'gpu',
    find: (env) => findAdapter('gpu', env),
    args: [],
  },
  lavapipe: {
    shows: 'f16, subgroups',
    tier: 'gpu-node',
    find: (env) => findAdapter('lavapipe', env),
    args: [],
  },
  minimal: {
    shows: 'no features, WebGPU’s default limits',
    tier: 'gpu-minimal',
    find: (env) => findAdapter('lavapipe', env),
    args: ['--minimal'],
  },
  swiftshader: {
    shows: 'another driver; subgroups of 4, no f16',
    tier: 'gpu-swiftshader',
    find: (env) => findAdapter('swiftshader', env),
    args: [],
  },
  chromium: {
    shows: 'the browser’s device and buffers',
    tier: 'gpu-browser',
    find: engines.chromium,
    args: ['--engine', 'chromium'],
  },
  naga: {
    shows: 'another implementation of WebGPU (wgpu) and compiler (naga)',
    tier: 'gpu-naga',
    find: engines.naga,
    args: ['--engine', 'naga'],
  },
  firefox: {
    shows: 'the same in the second browser',
    tier: 'gpu-firefox',
    find: engines.firefox,
    args: ['--engine', 'firefox'],
  },
  matrix: {
    shows: 'subgroup matrices, that path forced',
    tier: 'subgroup-matrix',
    find: findMatrices,
    args: ['--path', 'matrix', '--dtype', 'f16'],
  },
};

const rowNames = Object.keys(rows);

const COLUMNS = ['runs on', 'shows', 'cases', 'passed', 'failed', 'unsupported', 'kernels', 'date'];

/** Returns the page, made from the data of its rows. */
export function pageText(data) {
  const names = rowNames.filter((name) => data[name]);
  const tags = [...new Set(names.map((name) => data[name].tag))];
  return `# Where it runs

\`npm run where\` writes this page from runs of the [conformance cases](../packages/conformance/README.md#cases) on one machine; do not edit it by hand.
Each row ran the cases with the tag ${tags.map((tag) => `\`${tag}\``).join(', ')}, which the tests in browsers run too; the [test tiers](../CONTRIBUTING.md#test-tiers) run more cases on
the adapters in Node. A case is unsupported if it declares a feature that the device lacks.

${table([COLUMNS, COLUMNS.map(() => '---'), ...names.map((name) => cells(name, data[name]))])}

\`npm run where -- --row NAME\` runs a row again:

${names.map((name) => `- \`${name}\`, set up as the tier \`${rows[name].tier}\`: ${data[name].on}.${remarks(data[name])}`).join('\n')}

${missing(names)}Lavapipe compiled without LLVM's optimisation passes, as in each tier of \`npm test\`. These results hold for the versions above; the Conformance room of the
[demo](../apps/demo/README.md) and [\`@heed/conformance\`](../packages/conformance/README.md) run the same cases on your device.
`;
}

function cells(name, row) {
  const numbers = [row.cases, row.pass, row.fail, row.unsupported, row.pipelines].map(String);
  return [`\`${name}\``, rows[name].shows, ...numbers, row.date];
}

function remarks({ failed, lacks }) {
  const why = Object.entries(lacks).map(([reason, count]) => ` ${count} unsupported: ${reason}.`);
  const which =
    failed.length === 0 ? '' : ` Failed: ${failed.map((id) => `\`${id}\``).join(', ')}.`;
  return why.join('') + which;
}

function missing(names) {
  const others = rowNames.filter((name) => !names.includes(name));
  if (others.length === 0) return '';
  const list = others.map((name) => `\`${name}\` (${rows[name].shows})`).join(', ');
  return `Not run here: ${list}.\n\n`;
}

const table = (lines) => lines.map((line) => `| ${line.join(' | ')} |`).join('\n');

/** Runs the cases of a row; resolves to its data, or to `{ missing }` with the reason. */
async function runRow(name, env, { tag }) {
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

/** Returns the data of a report: counts, failed cases, and the number of cases per missing feature. */
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

async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      row: { type: 'string', default: rowNames.join(',') },
      tag: { type: 'string', default: 'browser' },
    },
  });
  const names = values.row.split(',');
  const unknown = names.find((name) => !rowNames.includes(name));
  if (unknown) throw new SetupError(`no row ${unknown}; there are ${rowNames.join(', ')}`);
  const env = await prepare({ peers: false });
  let isRight = true;
  for (const name of names) {
    const row = await runRow(name, env, { tag: values.tag });
    if (row.missing) {
      say('where', `${name} is not here: ${row.missing}`);
      continue;
    }
    isRight &&= row.fail === 0;
    const known = { ...read(), [name]: row };
    // Written after each row, because a run of all rows takes long.
    write(dataFile, `${JSON.stringify(known, null, 2)}\n`);
    write(pageFile, pageText(known));
  }
  return isRight ? 0 : 1;
}

if (isMain(import.meta)) await runMain(main);
