import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { floors } from '../../oxlint.config.ts';
import { root } from '../lib/tool.mjs';

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

const DEPTHS = [1, 3];

/** A file per pair of rooms of a folder and depth, which imports from one room into the other. */
const pairsOf = (folder) =>
  DEPTHS.flatMap((depth) => {
    const [up, inner] = ['../'.repeat(depth), '/inner'.repeat(depth - 1)];
    const rooms = roomsOf(folder);
    return rooms.flatMap((from) =>
      rooms.map((to) => ({
        path: `${folder}/${from.room}${inner}/to-${to.room}.ts`,
        text: importing(`${up}${to.room}/x.ts`),
        isRefused:
          to.floor > from.floor || (to.floor === from.floor && to.room !== from.room && from.apart),
      })),
    );
  });

const [inner] = Object.keys(floors).filter((folder) => folder.split('/').length > 3);
const outer = dirname(inner);

const files = {
  ...Object.fromEntries(
    Object.keys(floors)
      .flatMap(pairsOf)
      .map(({ path, text }) => [path, text]),
  ),
  ...Object.fromEntries(
    Object.keys(floors).map((folder) => [
      `${folder}/${roomsOf(folder)[0].room}/below.ts`,
      importing('../b.ts', './index.ts'),
    ]),
  ),
  [`${inner}/${roomsOf(inner)[0].room}/beyond.ts`]: importing(
    `../../${roomsOf(outer).at(-1).room}/x.ts`,
  ),
  'packages/core/src/a.ts': importing('@heed/flex'),
  'packages/kvcache/src/a.ts': importing('@heed/kernels-wgsl/variant', '@heed/core'),
  'packages/tfjs/src/device/a.ts': importing('@heed/kvcache', '@heed/flex'),
  'apps/demo/src/a.ts': importing('../../../packages/core/src/index.ts'),
  'packages/onnx/src/a.ts': importing('./b.ts'),
  'packages/onnx/src/b.ts': importing('./a.ts'),
};

/** The findings per file, of one run of the linter on a copy of the repository that holds these files only. */
const found = findings();

function findings() {
  const folder = mkdtempSync(join(tmpdir(), 'heed-lint-'));
  try {
    copyFileSync(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const oxlint = join(root, 'node_modules', '.bin', 'oxlint');
    const { stdout } = spawnSync(oxlint, ['--format=json'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    return Map.groupBy(JSON.parse(stdout).diagnostics, ({ filename }) => filename);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const messagesOf = (path) =>
  (found.get(path) ?? []).map(({ message, help }) => `${message} ${help}`);

describe.for(Object.keys(floors))('the floors of %s', (folder) => {
  const rooms = roomsOf(folder);

  test('refuse imports of higher rooms, and only those', () => {
    const pairs = pairsOf(folder);
    const refused = pairs.filter(({ path }) => messagesOf(path).length > 0);
    expect(refused.map(({ path }) => path)).toEqual(
      pairs.filter(({ isRefused }) => isRefused).map(({ path }) => path),
    );
    for (const { path } of refused)
      expect(messagesOf(path)).toEqual([
        expect.stringContaining(`The floors of ${folder} are ${rooms[0].room}`),
      ]);
  });

  test('are below the files that are directly in it', () => {
    expect(messagesOf(`${folder}/${rooms[0].room}/below.ts`)).toEqual([
      expect.stringContaining("'../b.ts' import is restricted"),
    ]);
  });

  test('are rooms that exist', () => {
    for (const { room } of rooms) expect(existsSync(join(root, folder, room)), room).toBe(true);
  });
});

test('a room within a room keeps to the floors of both', () => {
  expect(messagesOf(`${inner}/${roomsOf(inner)[0].room}/beyond.ts`)).toEqual([
    expect.stringContaining(`The floors of ${outer} are`),
  ]);
});

test.for([
  ['packages/core/src/a.ts', 'core imports no other heed package'],
  ['packages/kvcache/src/a.ts', 'kvcache imports only core'],
  ['packages/tfjs/src/device/a.ts', 'tfjs imports only flex, kernels-wgsl, core'],
  ['apps/demo/src/a.ts', 'Import another package by its name'],
])('a package imports only what the layout lets it: %s', ([path, message]) => {
  expect(messagesOf(path)).toEqual([expect.stringContaining(message)]);
});

test('a cycle through types is refused', () => {
  for (const name of ['a', 'b'])
    expect(messagesOf(`packages/onnx/src/${name}.ts`)).toEqual([
      expect.stringContaining('Dependency cycle detected'),
    ]);
});
