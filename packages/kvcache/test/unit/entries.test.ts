import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** Returns the specifiers in `from '…'` and `import('…')` of a source file. */
const imports = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    ([, name]) => name!,
  );

/** Returns the source files that an entry reaches, and the packages that they import. */
function reached(entry: string): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const name of imports(file)) {
      if (name.startsWith('.')) visit(join(dirname(file), name));
      else packages.add(name);
    }
  };
  visit(join(source, entry));
  for (const file of files) expect(existsSync(file), file).toBe(true);
  return {
    files: [...files].map((file) => relative(source, file)),
    packages: [...packages].toSorted(),
  };
}

const nodeOnly = /^node:|^(fs|path|os|url|crypto|buffer|process)(\/|$)/;

it('the Node entry needs Node', () => {
  expect(reached('node.ts').packages).toEqual([
    '@heed/core',
    '@heed/core/kernel',
    'node:fs/promises',
    'node:path',
  ]);
});

it('the entry of names needs no package', () => {
  const { files, packages } = reached('names.ts');
  expect(files).toContain('pages/prefix-names.ts');
  expect(packages).toEqual([]);
});

it('the browser entry runs without Node', () => {
  const { files, packages } = reached('browser.ts');
  expect(files).toContain('stores/opfs-store.ts');
  expect(packages.filter((name) => nodeOnly.test(name))).toEqual([]);
});

it('the entry of events needs core only', () => {
  expect(reached('events.ts').packages).toEqual(['@heed/core/kernel']);
});

it('the entry of the web runs anywhere', () => {
  expect(reached('http.ts').packages).toEqual(['@heed/core', '@heed/core/kernel']);
});

it('the main entry needs neither Node nor a browser', () => {
  const { files, packages } = reached('index.ts');
  expect(packages.filter((name) => nodeOnly.test(name))).toEqual([]);
  expect(
    files.filter((file) =>
      /(fs|http|opfs)-\w+\.ts$|(event-batch|message-pack)\.ts$|^(node|browser|events|http|names)\.ts$/.test(
        file,
      ),
    ),
  ).toEqual([]);
});
