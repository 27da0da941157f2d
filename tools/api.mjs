// Compares the public declarations of the package in the current folder, as built, with its api/*.d.ts.
//   --update   writes them instead
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiSnapshots } from './lib/api-snapshot.mjs';

const folder = join(process.cwd(), 'api');
const built = await apiSnapshots(process.cwd());

if (process.argv.includes('--update')) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, text] of built) writeFileSync(join(folder, name), text);
} else {
  const names = new Set([...built.keys(), ...filesIn(folder)]);
  const changed = [...names].filter((name) => built.get(name) !== read(name));
  for (const name of changed) console.error(difference(name));
  if (changed.length > 0) {
    console.error('The public API has changed. If that is meant: npm run api:update');
    process.exitCode = 1;
  }
}

function filesIn(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(name) {
  return filesIn(folder).includes(name) ? readFileSync(join(folder, name), 'utf8') : undefined;
}

/** The lines that only one side has; enough to see what moved. */
function difference(name) {
  const [before, after] = [read(name) ?? '', built.get(name) ?? ''].map((text) => text.split('\n'));
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  const come = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  return [`api/${name}`, ...gone, ...come].join('\n');
}
