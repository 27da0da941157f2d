import * as api from '@heed/flex';
import { BlockMask } from '@heed/flex';
import * as catalogue from '@heed/flex/catalogue';
import * as masks from '@heed/flex/masks';
import * as mods from '@heed/flex/mods';
import {
  bare,
  codeBlocks,
  docstringExamples,
  guideExamples,
  sectionsOf,
  statementsOf,
  tableRows,
} from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { compileExample, typesExample } from '../examples/docstrings.ts';
import { tightnessOf, typeOf } from '../examples/guide-claims.ts';

const files = import.meta.glob(
  [
    '../../README.md',
    '../../../../README.md',
    '../../../../docs/flex.md',
    '../../../../docs/backward.md',
    '../../../../docs/weights.md',
    '../../../../docs/sparse.md',
    '../../src/**/*.ts',
    '../examples/**/*.ts',
  ],
  { query: '?raw', import: 'default', eager: true },
);
const readme = files['../../README.md']!;
const guide = files['../../../../docs/flex.md']!;
const sections = sectionsOf(guide);
const rowsOf = (title: string): string[][] => tableRows(sections.get(title)!);

const evaluate = (source: string): Function =>
  // The sources are those of the guide; a function's text must be as it is written there.
  (0, globalThis.Function)(`return (${source});`)() as Function;

// test/once/examples.test.ts runs the files of test/examples.
describe('docs/flex.md', () => {
  const paths = Object.keys(files).filter((path) => path.includes('/guide/'));

  it('shows the thirteen examples that run, and the file that they share', () => {
    expect(paths).toHaveLength(14);
    const shown = [codeBlocks(guide)[0], ...guideExamples(guide).map(({ code }) => code)];
    const [setup, ...examples] = [paths.at(-1)!, ...paths.slice(0, -1)];
    expect(shown).toEqual([setup, ...examples].map((path) => files[path]));
    expect(codeBlocks(guide)).toHaveLength(14);
  });

  it.for(rowsOf('The language'))('is right about the type of %s', ([expression, type]) => {
    const score = type === 'bool' ? '' : 'score, ';
    expect(typeOf(evaluate(`(${score}b, h, q, kv, c, info) => ${expression}`))).toBe(type);
  });

  it.for(rowsOf('Minifiers and builds'))('is right about %s', ([written, minified]) => {
    const t = { dtype: 'f32', shape: [2, 8] };
    const hashes = [written, minified].map(
      (source) => api.compileMod(evaluate(source!), { n: 3, t }, { kind: 'score' }).hash,
    );
    expect(hashes[1]).toBe(hashes[0]);
  });

  it('is right about what is in the language', () => {
    const { js } = api.compileMod(
      evaluate(`(score, b, h, q, kv, { on, half, seven, none }) => {
        const twice = (x) => 2 * x;
        let s = score;
        if (on && !(q < kv) || q === 3) s += twice(none ?? half);
        else return s * -1 + (q & 3) - (q % 2);
        for (let i = 0; i < 4; i++) s -= i ** 2 / seven;
        return s > 1 ? s : Math.max(s, 0);
      }`),
      { on: true, half: 0.5, seven: 7 },
    );
    expect([js(4, 0, 0, 7, 3), js(4, 0, 0, 7, 8)]).toEqual([3, -2]);
  });

  it.for(rowsOf('What is refused'))('is right about %s', ([source, rule, remedy]) => {
    const compile = () => api.compileMod(evaluate(source!), { bias: [1, 2, 3] }, { kind: 'score' });
    expect(compile).toThrow(rule);
    expect(compile).toThrow(remedy);
  });

  it.for(rowsOf('How masks prune'))('is right about the bounds of %s', ([mask, range, found]) => {
    const { hasRange, classes } = tightnessOf(evaluate(`(b, h, q, kv, c) => ${mask}`));
    expect([hasRange ? 'yes' : 'no', classes]).toEqual([range, found]);
  });

  it('names what is there', () => {
    const text = rowsOf('From PyTorch')
      .map(([, ours]) => ours!)
      .join('\n');
    const called = [...text.matchAll(/(?<![.\w])(\w+)\(/g)].map((match) => match[1]!);
    expect(called.filter((name) => !(name in api))).toEqual([]);
    expect(called).toHaveLength(6);
    const members = [...text.matchAll(/BlockMask\.(\w+)/g)].map((match) => match[1]!);
    expect(members).toHaveLength(13);
    expect(members.filter((name) => !(name in BlockMask.prototype || name in BlockMask))).toEqual(
      [],
    );
  });

  it('is right about limits', () => {
    const identity = (score: number): number => score;
    const deep = { dtype: 'f32', shape: [1, 1, 1, 1, 1] };
    expect(() => api.compileMod(identity, { deep })).toThrow('at most 4 dimensions');
    expect(() => api.compileMod(identity, { n: Number.NaN })).toThrow('must not be NaN');
    const { js } = api.compileMod(identity);
    expect([NaN, -1e30, 0].map((score) => js(score, 0, 0, 0, 0))).toEqual([
      -Infinity,
      -Infinity,
      0,
    ]);
    const table = api.compileMod(evaluate('(s, b, h, q, kv, c) => c.t[q]'), { t: [5, 6, 7] }).js;
    expect([-1, 1, 9].map((q) => table(0, 0, 0, q, 0))).toEqual([5, 6, 7]);
    const loop = (turns: number): Function =>
      evaluate(`(s) => { for (let i = 0; i < ${turns}; i++) s += 1; return s; }`);
    expect(api.compileMod(loop(256)).js(1, 0, 0, 0, 0)).toBe(257);
    expect(() => api.compileMod(loop(257))).toThrow('more than 256 turns');
  });
});

describe.each([
  ['backward', 3],
  ['weights', 3],
  ['sparse', 8],
] as const)('docs/%s.md', (name, count) => {
  it(`shows the ${count} examples that run`, () => {
    const paths = Object.keys(files).filter((path) => new RegExp(`/${name}/\\d+-`).test(path));
    const shown = guideExamples(files[`../../../../docs/${name}.md`]!).map(({ code }) => code);
    expect(shown).toHaveLength(count);
    expect(shown).toEqual(paths.map((path) => files[path]));
  });
});

describe('the README', () => {
  it('opens with an example that runs', () => {
    const quickstart = files['../examples/quickstart.ts']!;
    expect(codeBlocks(readme)[0]).toBe(quickstart);
    expect(quickstart.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(16);
  });

  it('names every function of the package and of its subpaths, and no other', () => {
    const tables = [...readme.matchAll(/^\| `@heed[^]*?\n\n/gm)].map(([table]) => tableRows(table));
    const names = tables
      .flat()
      .flatMap(([first]) => [...first!.matchAll(/(\w+)(?:\([^)]*\))?(?:, |$)/g)])
      .map((match) => match[1]!);
    const all = [api, mods, masks, catalogue].flatMap((entry) => Object.keys(entry));
    expect(names.toSorted()).toEqual(all.toSorted());
  });
});

it('the README of the repository holds the example that runs', () => {
  const blocks = codeBlocks(files['../../../../README.md']!);
  expect(blocks).toContain(files['../examples/root.ts']);
});

describe('every @example', () => {
  const runs = bare(files['../examples/docstrings.ts']!);
  const sources = Object.entries(files).filter(([path]) => path.includes('/src/'));
  // Those of the compiler's own functions are for its readers.
  const examples = sources
    .filter(([path]) => !/\/(frontend|ir)\//.test(path))
    .flatMap(([path, text]) => docstringExamples(text).map((example) => ({ path, example })));
  // test/once/examples.test.ts runs those of mods and masks from their text.
  const statements = examples
    .filter(({ path }) => !/\/(mods|masks)\//.test(path))
    .flatMap(({ path, example }) => statementsOf(example).map((line) => [path, line] as const));

  it('of a public function is found', () => {
    const library = [...Object.keys(mods), ...Object.keys(masks)];
    // flexAttention, flexAttentionVjp, planFlexAttention, topKeys, attentionWeights, keyMass, tunable, createBlockMask, fromCuSeqlens, fromBlocks, compileMod, bind, f32, two types.
    expect(examples).toHaveLength(library.length + 15);
  });

  it.for(statements)('in %s runs: %s', ([, statement]) => {
    expect(runs).toContain(bare(statement));
  });

  it('that needs no GPU gives what it says', () => {
    const { js, texts } = compileExample();
    expect(js(0.5, 0, 0, 7, 3)).toBe(4.5);
    expect(texts.every((text) => text.includes('score_mod'))).toBe(true);
    const { scoreMod, maskMod } = typesExample();
    expect(api.compileMod(scoreMod).kind).toBe('score');
    expect(api.compileMod(maskMod).kind).toBe('mask');
  });
});
