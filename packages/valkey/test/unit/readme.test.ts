import { bare, codeBlocks, docstringExamples, statementsOf, tableRows } from '@heed/testing';
import * as api from '@heed/valkey';
import { expect, it } from 'vitest';

const files = import.meta.glob(['../../README.md', '../../src/*.ts', '../examples/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const readme = files['../../README.md']!;

// test/once/workers.test.ts runs it, where there is a server.
it('the README opens with an example that runs', () => {
  expect(codeBlocks(readme)[0]).toBe(files['../examples/quickstart.ts']);
});

it('the README names every member of the package, and no other', () => {
  const table = tableRows(readme.slice(readme.indexOf('## API'), readme.indexOf('## The store')));
  const names = table.map(([first]) => first!.match(/^\w+/)![0]);
  expect(names.toSorted()).toEqual(Object.keys(api).toSorted());
});

it('every @example runs', () => {
  const sources = Object.entries(files).filter(([path]) => path.includes('/src/'));
  const examples = sources.flatMap(([, text]) => docstringExamples(text));
  expect(examples).toHaveLength(3);
  const runs = bare(files['../examples/docstrings.ts']!);
  for (const line of examples.flatMap(statementsOf)) expect(runs).toContain(bare(line));
});
