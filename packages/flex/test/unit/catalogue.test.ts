import { docstringExamples } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { catalogue, type CatalogueEntry } from '../../src/catalogue.ts';
import { compileMod } from '../../src/index.ts';
import * as masks from '../../src/masks/index.ts';
import * as mods from '../../src/mods/index.ts';

const files = import.meta.glob(['../../README.md', '../../src/{mods,masks}/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

const folders = { score: 'mods', mask: 'masks' } as const;

/** The file that a name's own file should be: dilatedWindow is in dilated-window.ts. */
const fileOf = ({ kind, name }: Pick<CatalogueEntry, 'kind' | 'name'>): string =>
  `../../src/${folders[kind]}/${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;

describe('the catalogue', () => {
  it.for([
    ['score', mods],
    ['mask', masks],
  ] as const)('has every export of a file in the folder of each %s', ([kind, exported]) => {
    const own = catalogue.filter((entry) => entry.kind === kind);
    expect(Object.fromEntries(own.map(({ name, mod }) => [name, mod]))).toEqual({ ...exported });
    const paths = Object.keys(files).filter((path) => path.includes(`/${folders[kind]}/`));
    const named = [...own.map(fileOf), `../../src/${folders[kind]}/index.ts`];
    expect(paths.toSorted()).toEqual(named.toSorted());
  });

  it('is what the README’s tables show', async () => {
    const readme = files['../../README.md']!;
    await expect(withTables(readme)).toMatchFileSnapshot('../../README.md');
  });
});

/** The README with the rows of its two tables written from the catalogue. `vitest -u` writes it. */
function withTables(readme: string): string {
  const rowsOf = (kind: CatalogueEntry['kind']): string =>
    catalogue
      .filter((entry) => entry.kind === kind)
      .map(
        ({ name, captures, about, source }) =>
          `| \`${name}\` | ${captures} | ${about} | ${source} |\n`,
      )
      .join('')
      .replaceAll('|  |', '| |');
  return Object.entries(folders).reduce((text, [kind, folder]) => {
    const table = new RegExp(
      `(\\| \`@heed/flex/${folder}\`[^\\n]*\\n\\|[-|]*\\n)(?:\\|[^\\n]*\\n)*`,
    );
    return text.replace(table, (_, head: string) => head + rowsOf(kind as CatalogueEntry['kind']));
  }, readme);
}

type Mask = (...args: readonly unknown[]) => boolean;

describe.for(catalogue)('the docstring of $name', (entry) => {
  const text = files[fileOf(entry)]!;
  const doc = text.slice(0, text.indexOf('*/'));

  it('names its source', () => {
    const source = doc.slice(doc.indexOf('Source:'), doc.indexOf('@example'));
    expect(source.replaceAll(/\s*\n \* /g, ' ')).toContain(entry.source);
  });

  it('has one example, which calls it', () => {
    const examples = docstringExamples(text);
    expect(examples).toHaveLength(1);
    expect(examples[0]).toMatch(new RegExp(`\\b${entry.name}\\b`));
  });

  it('draws what the mask shows', () => {
    const { picture, mod } = entry;
    expect(picture !== undefined).toBe(entry.kind === 'mask');
    if (!picture) return;
    const { length, captures, rows = Array.from({ length }, (_, q) => q) } = picture;
    const info = { qLen: length, kvLen: length, qRow: 0, kvRow: 0 };
    const cell = (q: number, kv: number): string =>
      (mod as unknown as Mask)(0, 0, q, kv, captures, info) ? '█' : '░';
    const drawn = rows.map((q) => Array.from({ length }, (_, kv) => cell(q, kv)).join(''));
    expect(doc.match(/[█░]{2,}/g)).toEqual(drawn);
  });

  it('names its captures', () => {
    for (const [name] of entry.captures.matchAll(/(?<=`)\w+/g)) expect(doc).toContain(`\`${name}`);
  });
});

describe('captures for a page', () => {
  it.for(catalogue)('of $name compile', ({ mod, page, kind }) => {
    expect(compileMod(mod, page).kind).toBe(kind);
  });
});
