import { prefixNames } from '@heed/kvcache/names';
import * as api from '@heed/router';
import {
  bare,
  codeBlocks,
  docstringExamples,
  printedBy,
  statementsOf,
  tableRows,
} from '@heed/testing';
import { expect, it } from 'vitest';
import { docstrings } from '../examples/docstrings.ts';

const files = import.meta.glob(['../../README.md', '../../src/*.ts', '../examples/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const readme = files['../../README.md']!;

it('the README opens with an example that runs and prints what it says', async () => {
  const quickstart = files['../examples/quickstart.ts']!;
  expect(codeBlocks(readme)[0]).toBe(quickstart);
  const said = [...quickstart.matchAll(/; \/\/ (.*)/g)].map(([, text]) => text!);
  const printed = await printedBy(() => import('../examples/quickstart.ts'));
  expect(printed.map((values) => values.join(' '))).toEqual(said);
});

it('the README names every member of the package, and no other', () => {
  const table = tableRows(readme.slice(readme.indexOf('## API')));
  const names = table.map(([first]) => first!.match(/^[\w.]+/)![0]);
  const methods = Object.keys(api.createRouter({ pageSize: 1 })).map((name) => `router.${name}`);
  expect(names.toSorted()).toEqual([...Object.keys(api), ...methods].toSorted());
});

it('every @example runs', () => {
  const sources = Object.entries(files).filter(([path]) => path.includes('/src/'));
  const examples = sources.flatMap(([, text]) => docstringExamples(text));
  expect(examples).toHaveLength(7);
  const runs = bare(files['../examples/docstrings.ts']!);
  for (const line of examples.flatMap(statementsOf)) expect(runs).toContain(bare(line));
  expect(docstrings(prefixNames)).toEqual([true, true, 4]);
});
