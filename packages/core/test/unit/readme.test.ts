import * as api from '@heed/core';
import * as kernelApi from '@heed/core/kernel';
import { codeBlocks, sectionsOf } from '@heed/testing';
import { describe, expect, it } from 'vitest';

const files = import.meta.glob(['../../README.md', '../examples/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const readme = files['../../README.md']!;

// test/once/in-node.test.ts and test/browser/core.test.ts run the files of test/examples.
describe('the README', () => {
  it('shows the examples that run, the first of at most 15 lines', () => {
    const shown = ['quickstart', 'browser', 'own-kernel'].map(
      (name) => files[`../examples/${name}.ts`]!,
    );
    expect(codeBlocks(readme)).toEqual(shown);
    expect(shown[0]!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(16);
  });

  it('names every error of the package, by its code too, and no other', () => {
    const rows = [
      ...sectionsOf(readme)
        .get('Errors')!
        .matchAll(/^\| `(\w+)` \| `'([\w-]+)'`/gm),
    ];
    const named = new Map(rows.map(([, name, code]) => [name!, code!]));
    const classes = Object.keys(api).filter(
      (name) => name.endsWith('Error') && name !== 'HeedError',
    );
    expect([...named.keys()].toSorted()).toEqual(classes.toSorted());
    for (const [name, code] of named) {
      expect(`${code.replaceAll('-', '')}error`).toBe(name.toLowerCase());
    }
  });

  it('names functions that are there', () => {
    const text = sectionsOf(readme).get('For kernel authors: `@heed/core/kernel`')!;
    const list = text.slice(0, text.indexOf("heed's own packages"));
    const named = [...list.matchAll(/`(\w+)`/g)].map((match) => match[1]!);
    expect(named.toSorted()).toEqual(Object.keys(kernelApi).toSorted());
    expect(readme).toContain('`openGpu(');
  });
});
