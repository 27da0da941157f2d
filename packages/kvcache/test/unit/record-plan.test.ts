import { expect, it } from 'vitest';
import { planLinks, planRecords } from '../../src/cache/record-plan.ts';
import { rootName } from '../../src/pages/page-name.ts';
import type { PageSet, PrefixNode } from '../../src/pages/prefix-node.ts';
import { PrefixTree } from '../../src/pages/prefix-tree.ts';

const tree = new PrefixTree(1);

/** Returns the nodes of a prefix of pages of one token. */
function chain(tokens: string, hasPage: (i: number) => boolean = () => true): PrefixNode[] {
  let node = tree.root(rootName());
  return Array.from(tokens, (token, i) => {
    node = tree.insert(node, [token.codePointAt(0)!], 0);
    if (hasPage(i) && !node.has(0)) node.sets.push(pagesOf(node));
    return node;
  });
}

const pagesOf = (node: PrefixNode): PageSet => {
  return { group: 0, pages: [1], references: 0, node, lastUsed: 0, stamp: 0 };
};

const textOf = (nodes: readonly PrefixNode[]): string =>
  String.fromCodePoint(...nodes.map(({ tokens }) => tokens[0]!));

const shown = (nodes: readonly PrefixNode[], segment: number): string[] =>
  planRecords(nodes, segment).map((record) => `${textOf(record.nodes)}:${record.fresh}`);

it('a prefix is segments from the root, then single pages', () => {
  expect(shown(chain('abcdefgh'), 3)).toEqual(['abc:3', 'def:3', 'g:1', 'h:1']);
  expect(shown(chain('abcdef'), 3)).toEqual(['abc:3', 'def:3']);
  expect(shown(chain('ab'), 3)).toEqual(['a:1', 'b:1']);
  expect(shown(chain('abc'), 1)).toEqual(['a:1', 'b:1', 'c:1']);
  expect(shown([], 3)).toEqual([]);
});

it('a prefix that ends within a segment of another has its own single pages', () => {
  const both = [...chain('xyz123'), ...chain('xyz1q')];
  expect(shown(both, 3)).toEqual(['xyz:3', '123:3', '1:0', 'q:1']);
});

it('what remains of a cut segment is single pages', () => {
  const nodes = chain('ABCDEFGH', (i) => i > 1).filter((node) => node.has(0));
  expect(shown(nodes, 3)).toEqual(['C:1', 'DEF:3', 'G:1', 'H:1']);
});

it('chosen pages bring the segment that they end, and no other page', () => {
  const nodes = chain('klmnopqr');
  expect(shown([nodes[5]!], 3)).toEqual(['nop:1']);
  expect(shown([nodes[1]!, nodes[6]!], 3)).toEqual(['l:1', 'q:1']);
});

it('links are the released pages before those that are there, each once', () => {
  const first = chain('RSTUV', (i) => i > 2);
  const second = chain('RSTUW', (i) => i > 3);
  const named = [...first, ...second].filter((node) => node.has(0));
  expect(planLinks(named).map(({ nodes }) => textOf(nodes))).toEqual(['R', 'S', 'T']);
  expect(planLinks(chain('abc'))).toEqual([]);
});
