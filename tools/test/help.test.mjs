import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../lib/tool.mjs';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const tools = Object.entries(scripts).flatMap(([name, script]) => {
  const [, file, ...given] = /^node (tools\/[\w-]+\.mjs)(?: ([\w:]+))?$/.exec(script) ?? [];
  return file === undefined ? [] : [{ name, command: [file, ...given.filter(Boolean)] }];
});
const ask = (command, flag) =>
  spawnSync(process.execPath, [...command, flag], { cwd: root, encoding: 'utf8', timeout: 30_000 });

test('the commands of the repository are found', () => {
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['start', 'test', 'bench']));
});

describe.for(tools)('npm run $name', ({ name, command }) => {
  test('says with --help what it takes, and does nothing else', () => {
    const { status, stdout, stderr } = ask(command, '--help');
    expect([status, stderr]).toEqual([0, '']); // an installation would print its progress
    const called = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
    expect(stdout.slice(0, 200)).toContain(called);
  });
});

test('an option that a command does not have is refused, with those that it has', () => {
  const { status, stderr } = ask(['tools/demo.mjs'], '--prot');
  expect(status).toBe(2);
  expect(stderr).toMatch(/Unknown option '--prot'[^]*--port N/);
});
