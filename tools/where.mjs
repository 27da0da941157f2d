// `npm run where`: runs the conformance cases for browsers on every adapter and engine of this machine, and writes what came
// of it into docs/where-it-runs.md and .json. What is not here keeps the row that it has.
//   --row a,b       only these rows        --tag NAME   cases with this tag (default: browser)
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SetupError, runMain, say } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { prepare } from './lib/setup.mjs';
import { pageText } from './where/page.mjs';
import { rowNames } from './where/rows.mjs';
import { runRow } from './where/run.mjs';

const data = join(root, 'docs/where-it-runs.json');
const page = join(root, 'docs/where-it-runs.md');

await runMain(async (args) => {
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
    const rows = { ...read(), [name]: row };
    // Written after each row: a run of all takes its time.
    write(data, `${JSON.stringify(rows, null, 2)}\n`);
    write(page, pageText(rows));
  }
  return isRight ? 0 : 1;
});

/** At once, since several rows may run side by side. */
function write(path, text) {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

function read() {
  return existsSync(data) ? JSON.parse(readFileSync(data, 'utf8')) : {};
}
