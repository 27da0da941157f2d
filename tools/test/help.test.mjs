import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../lib/paths.mjs';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const tools = Object.entries(scripts).flatMap(([name, command]) => {
  const [, file] = /^node (tools\/[\w-]+\.mjs)$/.exec(command) ?? [];
  return file === undefined ? [] : [[name, file]];
});
const ask = (file, flag) =>
  spawnSync(process.execPath, [join(root, file), flag], { encoding: 'utf8', timeout: 30_000 });

test('the commands of the repository are found', () => {
  expect(tools.map(([name]) => name)).toEqual(expect.arrayContaining(['start', 'test', 'bench']));
});

describe.for(tools)('npm run %s', ([name, file]) => {
  test('says with --help what it takes, and does nothing else', () => {
    const { status, stdout, stderr } = ask(file, '--help');
    expect([status, stderr]).toEqual([0, '']); // an installation would tell its progress
    const command = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
    expect(stdout.slice(0, 200)).toContain(command);
  });
});

test('an option that a command does not have is refused, with those that it has', () => {
  const { status, stderr } = ask('tools/demo.mjs', '--prot');
  expect(status).toBe(2);
  expect(stderr).toMatch(/Unknown option '--prot'[^]*--port N/);
});
