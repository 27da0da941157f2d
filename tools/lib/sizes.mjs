import { run, tail } from './run.mjs';
import { SetupError } from './tool.mjs';

/**
 * The size that an import should not exceed for good, in kB, minified and gzipped: what a page loads before its first attention.
 * The limits in .size-limit.json are what fails a build. They lie just above today's sizes, so that growth is always a decision.
 */
const TARGETS = {
  '@heed/core': 12,
  '@heed/kernels-wgsl with core: attention': 34,
  '@heed/flex with core and kernels, without acorn: flexAttention': 60,
  '@heed/kvcache without core: PagedKvCache': 20,
};

/** Prints the size of each import beside its limit and its target; resolves to whether one exceeds its limit. */
export async function printSizes(env) {
  const { stdout, text } = await run('size-limit', ['--json'], { env, output: 'capture' });
  if (!stdout.trimStart().startsWith('['))
    throw new SetupError(`size-limit failed:\n${tail(text)}`);
  const rows = JSON.parse(stdout);
  console.log(`\n${sizesText(rows)}\n`);
  return rows.some(({ passed }) => !passed);
}

/** The table, in kB of 1000 bytes. */
export function sizesText(rows) {
  const lines = rows.map(({ name, size, sizeLimit, passed }) => [
    name,
    kB(size),
    `${kB(sizeLimit)}${passed ? '' : ' exceeded'}`,
    TARGETS[name]?.toFixed(1) ?? '',
  ]);
  const table = [['import', 'kB', 'limit', 'target'], ...lines];
  const widths = [0, 1, 2, 3].map((c) => Math.max(...table.map((row) => row[c].length)));
  return table
    .map(([name, ...numbers]) =>
      [name.padEnd(widths[0]), ...numbers.map((n, c) => n.padStart(widths[c + 1]))]
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const kB = (bytes) => (bytes / 1000).toFixed(1);
