import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as api from '@heed/kvcache';
import * as browser from '@heed/kvcache/browser';
import * as events from '@heed/kvcache/events';
import * as http from '@heed/kvcache/http';
import * as node from '@heed/kvcache/node';
import {
  bare,
  codeBlocks,
  docstringExamples,
  guideExamples,
  printedBy,
  statementsOf,
  tableRows,
} from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { lru } from '../../src/pages/eviction.ts';
import { Ledger } from '../../src/sequences/ledger.ts';
import type { SequenceState } from '../../src/sequences/sequence-state.ts';
import { ledgerOptions, pageCounts } from './ledger/plain-ledger.ts';
import { fsStoreExample, memoryStoreExample, webStoreExample } from '../examples/docstrings.ts';

const files = import.meta.glob(
  [
    '../../README.md',
    '../../../../README.md',
    '../../../../docs/kvcache.md',
    '../../src/**/*.ts',
    '../examples/**/*.ts',
  ],
  { query: '?raw', import: 'default', eager: true },
);
const readme = files['../../README.md']!;
const guide = files['../../../../docs/kvcache.md']!;

// test/once/examples.test.ts runs the files of test/examples.
describe('docs/kvcache.md', () => {
  const paths = Object.keys(files).filter((path) => path.includes('/guide/'));

  it('shows the fifteen examples that run, and the file that they share', () => {
    expect(paths).toHaveLength(16);
    const shown = [codeBlocks(guide)[0], ...guideExamples(guide).map(({ code }) => code)];
    const [setup, ...examples] = [paths.at(-1)!, ...paths.slice(0, -1)];
    expect(shown).toEqual([setup, ...examples].map((path) => files[path]));
    expect(codeBlocks(guide)).toHaveLength(16);
  });

  it('draws what the ledger does', () => {
    const pictures = guide.slice(0, guide.indexOf('```ts'));
    const tables = [...pictures.matchAll(/(\w)  \[ (\d) │ (\d) │ (\d) \]/g)].map(
      ([, name, ...pages]) => [name, ...pages.map(Number)],
    );
    const ledger = new Ledger(ledgerOptions({ layers: 1, pageSize: 4, pages: 6, eviction: lru }), {
      stored: () => {},
      removed: () => {},
    });
    const pagesOf = (state: SequenceState) => state.tables[0]!.runs[0]!.entries;
    const request = (tokens: number[]) => {
      const state = ledger.openSequence(tokens, '', 0);
      const news = tokens.slice(state.cachedTokens);
      ledger.append('test', 0, [state], Int32Array.of(news.length));
      ledger.commit('test', state, news);
      return state;
    };
    ledger.close(request([1, 2, 3, 4, 7, 7, 7, 7]));
    const [a, b] = [request([1, 2, 3, 4, 5, 6, 7, 8, 9]), request([1, 2, 3, 4, 5, 6, 7, 8, 2, 2])];
    const drawn = [
      ['A', ...pagesOf(a)],
      ['B', ...pagesOf(b)],
    ];
    expect(pageCounts(ledger)).toEqual([4, 1, 1]);
    const f = ledger.fork(a);
    drawn.push(['A', ...pagesOf(a)]);
    const before = ['F', ...pagesOf(f)];
    const { moves } = ledger.append('test', 0, [f], Int32Array.of(1));
    expect(moves.copies.flat().map(({ pages }) => pages)).toEqual([[4], [6]]);
    drawn.push(['A', ...pagesOf(a)], before, ['F', ...pagesOf(f)]);
    expect(tables).toEqual(drawn);
  });
});

describe('the README', () => {
  it('opens with an example that runs', () => {
    const quickstart = files['../examples/quickstart.ts']!;
    expect(codeBlocks(readme)[0]).toBe(quickstart);
    expect(quickstart.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(16);
  });

  it('names every member of the package and of its subpaths, and no other', () => {
    const table = tableRows(readme.slice(readme.indexOf('## API')));
    const names = table.map(([first]) => first!.match(/^[\w.]+/)![0]);
    const methods = (of: string, prototype: object): string[] =>
      Object.getOwnPropertyNames(prototype)
        .filter((name) => name !== 'constructor')
        .map((name) => `${of}.${name}`);
    const all = [
      'PagedKvCache.create',
      ...methods('cache', api.PagedKvCache.prototype),
      ...Object.keys(api).filter((name) => name !== 'PagedKvCache'),
      ...Object.keys(browser),
      ...Object.keys(events),
      ...Object.keys(http),
      ...Object.keys(node),
    ];
    const ofTheRest = names.filter((name) => !/^(sequence|view)\./.test(name));
    expect(ofTheRest.toSorted()).toEqual(all.toSorted());
    const rest = new Set(names.filter((name) => !ofTheRest.includes(name)));
    // Interfaces have no members at run time, so these are listed.
    const members = [
      'id',
      'length',
      'cachedTokens',
      'pages',
      'commit',
      'fork',
      'truncate',
      'keep',
      'nextPosition',
      'close',
    ];
    expect([...rest].toSorted()).toEqual(
      [...members.map((name) => `sequence.${name}`), 'view.cuSeqlensQ'].toSorted(),
    );
  });
});

it('the README of the repository holds the example that runs', () => {
  expect(codeBlocks(files['../../../../README.md']!)).toContain(files['../examples/root.ts']);
});

describe('every @example', () => {
  const runs = bare(files['../examples/docstrings.ts']!);
  const sources = Object.entries(files).filter(([path]) => path.includes('/src/'));
  const examples = sources.flatMap(([path, text]) =>
    docstringExamples(text).map((example) => ({ path, example })),
  );
  const statements = examples.flatMap(({ path, example }) =>
    statementsOf(example).map((line) => [path, line] as const),
  );

  it('of the public API is found', () => {
    // The cache and 13 of its methods, the sequence, its pages and keep, four of policies, rotate, prefixNames (twice), five stores, a batch of events.
    expect(examples).toHaveLength(30);
  });

  it.for(statements)('in %s runs: %s', ([, statement]) => {
    expect(runs).toContain(bare(statement));
  });

  it('of a store prints what it says', async () => {
    expect(await printedBy(memoryStoreExample)).toEqual([[2]]);
    const shared = api.memoryStore();
    await shared.put('a', new Uint8Array(3));
    const web = await printedBy(() => webStoreExample(http.httpStore, shared));
    expect(web).toEqual([['https://example.org/pages/a'.length, 3]]);
    const folder = await mkdtemp(join(tmpdir(), 'heed-'));
    const inFolder = (name: string) => node.fsStore(join(folder, name));
    expect(await printedBy(() => fsStoreExample(inFolder))).toEqual([['greeting']]);
    await rm(folder, { recursive: true });
  });
});
