import * as api from '@heed/kernels-wgsl';
import { describe, expect, it } from 'vitest';

const files = import.meta.glob(
  ['../../README.md', '../../../../README.md', '../../src/**/*.ts', '../examples/*.ts'],
  { query: '?raw', import: 'default', eager: true },
);
const readme = files['../../README.md']!;
const quickstart = files['../examples/quickstart.ts']!;

/** What may differ between a line of documentation and the line that runs. */
const bare = (line: string): string => line.replace(/^\s*\*?/, '').trim();

// test/gpu/examples.test.ts runs the files of test/examples.
describe('the README', () => {
  const blocks = [...readme.matchAll(/```ts\n([^]*?)```/g)].map((match) => match[1]!);

  it('opens with an example that runs', () => {
    expect(blocks[0]).toBe(quickstart);
    expect(quickstart.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(20);
  });

  it('names every function of the package, and no other', () => {
    const named = [...readme.matchAll(/^\| `(\w+)\(/gm)].map((match) => match[1]!);
    expect(new Set(named)).toEqual(new Set(Object.keys(api)));
  });
});

describe('the README of the repository', () => {
  const root = files['../../../../README.md']!;
  const blocks = [...root.matchAll(/```ts\n([^]*?)```/g)].map((match) => match[1]!);

  // test/gpu/examples.test.ts and test/browser/examples.test.ts run them.
  it.for([
    [0, 'node'],
    [1, 'browser'],
  ] as const)('holds the examples that run: %s, %s', ([i, name]) => {
    expect(blocks[i]).toBe(files[`../examples/${name}.ts`]);
    expect(blocks[i]!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(18);
  });
});

describe('every @example', () => {
  const runs = files['../examples/docstrings.ts']!.split('\n').map(bare);
  const examples = Object.entries(files).flatMap(([path, text]) =>
    [...text.matchAll(/^ \* @example\n([^]*?)\*\//gm)].map((match) => [path, match[1]!] as const),
  );

  it('of a public function is found', () => {
    expect(examples).toHaveLength(Object.keys(api).length);
  });

  it.for(examples)('in %s is one that runs', ([, example]) => {
    const code = example.split('\n').map(bare);
    expect(code.filter((line) => line !== '' && !runs.includes(line))).toEqual([]);
  });
});
