import * as api from '@heed/onnx';
import { describe, expect, it } from 'vitest';

const files = import.meta.glob(['../../README.md', '../../src/**/*.ts', '../**/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const readme = files['../../README.md']!;

// test/browser/onnx.test.ts runs them.
describe('the README', () => {
  it('shows the example that runs', () => {
    const shown = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1]);
    expect(shown).toEqual([files['../examples/quickstart.ts']]);
  });

  it('names every function of the package, and no other', () => {
    const table = /^## API\n([^]*?)^## /m.exec(readme)![1]!;
    const names = [...table.matchAll(/^\| `(\w+)\(/gm)].map((match) => match[1]!);
    expect(names.toSorted()).toEqual(Object.keys(api).toSorted());
  });
});

describe('every @example', () => {
  // Ignores types and formatting.
  const bare = (code: string): string => code.replaceAll(/!(?=[.,)])/g, '').replaceAll(/\s+/g, '');
  const lines = Object.entries(files).flatMap(([path, text]) =>
    [...text.matchAll(/^ *\* @example\n *\* (.*)\n/gm)].map((match) => [path, match[1]!] as const),
  );

  it('of a public function is found', () => {
    expect(lines).toHaveLength(Object.keys(api).length);
  });

  it.for(lines)('in %s runs: %s', ([, line]) => {
    expect(bare(files['../examples/docstrings.ts']!)).toContain(bare(line));
  });
});
