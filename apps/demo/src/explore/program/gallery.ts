/** An example that the visitor can load. */
export interface Example {
  readonly name: string;
  readonly group: 'Start here' | 'Score mods' | 'Masks';
  readonly text: string;
  /** Its description, with a picture in characters. */
  readonly about: string;
}

// Vite requires literal options in each call.
const modSources = import.meta.glob<string>('../../../../../packages/flex/src/mods/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const maskSources = import.meta.glob<string>('../../../../../packages/flex/src/masks/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});

const catalogueSource = Object.values(
  import.meta.glob<string>('../../../../../packages/flex/src/examples/*-entries.ts', {
    query: '?raw',
    import: 'default',
    eager: true,
  }),
).join('\n');

/**
 * The captures of an entry as the catalogue writes them. There a table may have a dtype behind its formula, which pages have no
 * use for.
 */
function pageCaptures(name: string): string {
  const page = new RegExp(`^  ${name}: .*\\n(?:    .*\\n)*?    page: ([^]*?),\\n    cases: `, 'm');
  return page.exec(catalogueSource)![1]!.replaceAll(", 'i32')", ')').replaceAll(/^    /gm, '');
}

/** The first text of the editor: one mod of each kind, with captured values to change. */
export const firstText = `import type { MaskMod, ScoreMod } from '@heed/flex';

// Near keys count more; each head has its own slope.
export const scoreMod: ScoreMod<typeof captures> = (score, b, h, q, kv, { slopes }) =>
  score - slopes[h]! * Math.abs(q - kv);

// Look back only, and not too far.
export const maskMod: MaskMod<typeof captures> = (b, h, q, kv, { window }) =>
  q >= kv && q - kv <= window;

export const captures = {
  window: 24,
  slopes: [0.25, 0.0625, 0.015625, 0.00390625],
};
`;

const together = `import { andMasks, bind, type ScoreMod } from '@heed/flex';
import { causal, document } from '@heed/flex/masks';

// Documents of 20 tokens, packed into one row; each token sees the earlier tokens of its document.
const id = table([1024], (i) => Math.floor(i / 20));
export const maskMod = andMasks(causal, bind(document, { id }));

// Odd heads soften their scores.
export const scoreMod: ScoreMod = (score, b, h) => (h % 2 === 1 ? Math.tanh(score) : score);
`;

/** Two introductory texts, then every shipped mod and mask from its source. */
export const gallery: readonly Example[] = [
  {
    name: 'Both kinds',
    group: 'Start here',
    text: firstText,
    about:
      'A scoreMod changes the score of a pair, a maskMod says whether the query sees the key at all.\nChange a number in captures: nothing is compiled again, values are data.',
  },
  {
    name: 'Masks together',
    group: 'Start here',
    text: together,
    about:
      'andMasks, orMasks and notMask make masks from masks; bind gives each its own captures.\nOnly this page has table(shape, formula): a program uses gpu.tensor(values, { shape }).',
  },
  ...examples('Score mods', 'scoreMod', modSources),
  ...examples('Masks', 'maskMod', maskSources),
];

function examples(
  group: Example['group'],
  role: 'scoreMod' | 'maskMod',
  sources: Readonly<Record<string, string>>,
): Example[] {
  return Object.entries(sources)
    .filter(([path]) => !path.endsWith('/index.ts'))
    .map(([, source]) => example(group, role, source))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Makes an example of a shipped source: its code, then its captures and its role; its docstring becomes the description. */
function example(group: Example['group'], role: 'scoreMod' | 'maskMod', source: string): Example {
  const [, doc, code, name] = /\/\*\*([^]*?)\*\/\n(export const (\w+)[^]*)$/.exec(source)!;
  const type = role === 'scoreMod' ? 'ScoreMod' : 'MaskMod';
  const tensor = code!.includes('Tensor') ? "import type { Tensor } from '@heed/core';\n" : '';
  return {
    name: name!,
    group,
    text: `${tensor}import type { ${type} } from '@heed/flex';\n\n${code}\nexport const ${role} = ${name};\n\nexport const captures = ${pageCaptures(name!)};\n`,
    about: doc!
      .replaceAll(/^ \* ?/gm, '')
      .replace(/\n@example[^]*$/, '')
      .replaceAll(/\{@link (\w+)\}/g, '$1')
      .trim(),
  };
}
