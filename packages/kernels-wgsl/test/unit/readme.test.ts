import * as api from '@heed/kernels-wgsl';
import { bare, codeBlocks, docstringExamples, statementsOf } from '@heed/testing';
import { describe, expect, it } from 'vitest';

const files = import.meta.glob(
  ['../../README.md', '../../../../README.md', '../../src/**/*.ts', '../examples/*.ts'],
  { query: '?raw', import: 'default', eager: true },
);
const readme = files['../../README.md']!;
const quickstart = files['../examples/quickstart.ts']!;

// test/once/examples.test.ts runs the files of test/examples.
describe('the README', () => {
  const blocks = codeBlocks(readme);

  it('opens with an example that runs', () => {
    expect(blocks[0]).toBe(quickstart);
    expect(quickstart.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(16);
  });

  it('shows a recording that runs', () => {
    expect(blocks).toContain(files['../examples/recording.ts']);
  });

  it('names every function of the package, and no other', () => {
    const named = [...readme.matchAll(/^\| `(\w+)\(/gm)].map((match) => match[1]!);
    expect(new Set(named)).toEqual(new Set(Object.keys(api)));
  });
});

describe('the README of the repository', () => {
  const root = files['../../../../README.md']!;
  const blocks = codeBlocks(root);

  // test/once/examples.test.ts and test/browser/examples-in-browser.test.ts run them.
  it.for([
    [0, 'node'],
    [1, 'browser'],
  ] as const)('holds the examples that run: %s, %s', ([i, name]) => {
    expect(blocks[i]).toBe(files[`../examples/${name}.ts`]);
    expect(blocks[i]!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(18);
  });
});

describe('every @example', () => {
  const runs = bare(files['../examples/docstrings.ts']!);
  const examples = Object.entries(files).flatMap(([path, text]) =>
    docstringExamples(path.includes('/src/') ? text : '').map((example) => ({ path, example })),
  );
  const statements = examples.flatMap(({ path, example }) =>
    statementsOf(example).map((line) => [path, line] as const),
  );

  it('of a public function is found', () => {
    expect(examples).toHaveLength(Object.keys(api).length);
  });

  it.for(statements)('in %s runs: %s', ([, statement]) => {
    expect(runs).toContain(bare(statement));
  });
});
