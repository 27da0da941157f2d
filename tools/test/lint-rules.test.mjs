import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { floors } from '../../oxlint.config.ts';
import { root } from '../lib/paths.mjs';

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

/** A module that has no fault but its imports of types. */
const importing = (...specifiers) =>
  `${specifiers.map((from, i) => `import type { X as X${i} } from '${from}';\n`).join('')}
export type X = [${specifiers.map((_, i) => `X${i}`).join(', ')}];\n`;

test.for(Object.entries(floors))(
  'a file of %s imports from its floor or a lower one',
  ([src, all]) => {
    const order = all.map((floor) => [floor].flat());
    const rooms = order.flat();
    const floorOf = (room) => order.findIndex((floor) => floor.includes(room));
    for (const depth of [1, 3]) {
      const up = '../'.repeat(depth);
      const inner = '/inner'.repeat(depth - 1);
      const files = Object.fromEntries(
        rooms.flatMap((from) =>
          rooms.map((to) => [`${src}/${from}${inner}/to-${to}.ts`, importing(`${up}${to}/x.ts`)]),
        ),
      );
      const found = findings(files);
      const refused = rooms.flatMap((from) =>
        rooms
          .filter((to) => floorOf(to) > floorOf(from))
          .map((to) => `${src}/${from}${inner}/to-${to}.ts`),
      );
      expect(found.map((text) => text.split(': ')[0]).toSorted()).toEqual(refused.toSorted());
      const shown = order.map((floor) => floor.join(', ')).join(' <- ');
      for (const text of found) expect(text).toContain(`The floors of ${src} are ${shown}`);
    }
  },
);

test('a file of a floor imports no file that is directly in src', () => {
  const [src, order] = Object.entries(floors)[0];
  const [lowest] = order.flat();
  const found = findings({ [`${src}/${lowest}/a.ts`]: importing('../index.ts', './index.ts') });
  expect(found).toEqual([expect.stringContaining("'../index.ts' import is restricted")]);
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
