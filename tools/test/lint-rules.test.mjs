import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { floors } from '../../oxlint.config.ts';
import { root } from '../lib/tool.mjs';

/** Lints files in a copy of the repository that holds nothing else; returns `file: message` per finding. */
function findings(files) {
  const folder = mkdtempSync(join(tmpdir(), 'heed-lint-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  copyFileSync(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const oxlint = join(root, 'node_modules', '.bin', 'oxlint');
  const { stdout } = spawnSync(oxlint, ['--format=json'], { cwd: folder, encoding: 'utf8' });
  return JSON.parse(stdout).diagnostics.map(
    ({ filename, code, message, help }) => `${filename}: ${code} ${message} ${help}`,
  );
}

/** Returns a module whose only possible fault is its type imports. */
const importing = (...specifiers) =>
  `${specifiers.map((from, i) => `import type { X as X${i} } from '${from}';\n`).join('')}
export type X = [${specifiers.map((_, i) => `X${i}`).join(', ')}];\n`;

/** The rooms of a folder as `{ room, floor, apart }`. */
const roomsOf = (folder) =>
  floors[folder].flatMap((floor, index) =>
    [floor.apart ?? floor]
      .flat()
      .map((room) => ({ room, floor: index, apart: Boolean(floor.apart) })),
  );

describe.for(Object.keys(floors))('the floors of %s', (folder) => {
  const rooms = roomsOf(folder);

  test.for([1, 3])('hold for files %s deep', (depth) => {
    const up = '../'.repeat(depth);
    const inner = '/inner'.repeat(depth - 1);
    const pairs = rooms.flatMap((from) => rooms.map((to) => ({ from, to })));
    const pathOf = ({ from, to }) => `${folder}/${from.room}${inner}/to-${to.room}.ts`;
    const found = findings(
      Object.fromEntries(
        pairs.map((pair) => [pathOf(pair), importing(`${up}${pair.to.room}/x.ts`)]),
      ),
    );
    const refused = pairs.filter(
      ({ from, to }) =>
        to.floor > from.floor || (to.floor === from.floor && to.room !== from.room && from.apart),
    );
    expect(found.map((text) => text.split(': ')[0]).toSorted()).toEqual(
      refused.map(pathOf).toSorted(),
    );
    for (const text of found)
      expect(text).toContain(`The floors of ${folder} are ${rooms[0].room}`);
  });

  test('are below the files that are directly in it', () => {
    const [{ room }] = rooms;
    const found = findings({ [`${folder}/${room}/a.ts`]: importing('../b.ts', './index.ts') });
    expect(found).toEqual([expect.stringContaining("'../b.ts' import is restricted")]);
  });

  test('are rooms that exist', () => {
    for (const { room } of rooms) expect(existsSync(join(root, folder, room)), room).toBe(true);
  });
});

test('a room within a room keeps to the floors of both', () => {
  const [inner] = Object.keys(floors).filter((folder) => folder.split('/').length > 3);
  const outer = dirname(inner);
  const [top] = roomsOf(outer).toReversed();
  const [lowest, ...above] = roomsOf(inner);
  const found = findings({
    [`${inner}/${lowest.room}/a.ts`]: importing(`../../${top.room}/x.ts`),
    [`${inner}/${lowest.room}/b.ts`]: importing(`../${above.at(-1).room}/x.ts`),
  });
  expect(found.toSorted()).toEqual([
    expect.stringContaining(`The floors of ${outer} are`),
    expect.stringContaining(`The floors of ${inner} are`),
  ]);
});

test('a package imports only what the layout lets it, also from its floors', () => {
  const found = findings({
    'packages/core/src/a.ts': importing('@heed/flex'),
    'packages/kvcache/src/a.ts': importing('@heed/kernels-wgsl/variant', '@heed/core'),
    'packages/tfjs/src/device/a.ts': importing('@heed/kvcache', '@heed/flex'),
    'apps/demo/src/a.ts': importing('../../../packages/core/src/index.ts'),
  });
  expect(found.toSorted()).toEqual([
    expect.stringMatching(/^apps\/demo.* Import another package by its name/),
    expect.stringMatching(/^packages\/core.* core imports no other heed package/),
    expect.stringMatching(/^packages\/kvcache.* kvcache imports only core/),
    expect.stringMatching(/^packages\/tfjs.* tfjs imports only flex, kernels-wgsl, core/),
  ]);
});

test('a cycle through types is refused', () => {
  const found = findings({
    'packages/core/src/a.ts': importing('./b.ts'),
    'packages/core/src/b.ts': importing('./a.ts'),
  });
  expect(found).toEqual([
    expect.stringContaining('Dependency cycle detected'),
    expect.stringContaining('Dependency cycle detected'),
  ]);
});
