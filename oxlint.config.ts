import type { OxlintConfig, OxlintOverride } from 'oxlint';

/** The packages of this repository that a package imports. Layout in CONTRIBUTING.md draws the same arrows. */
const arrows: Record<string, readonly string[]> = {
  core: [],
  'kernels-wgsl': ['core'],
  kvcache: ['core'],
  flex: ['kernels-wgsl', 'core'],
  tfjs: ['flex', 'kernels-wgsl', 'core'],
  onnx: ['core'],
  conformance: ['flex', 'kvcache', 'kernels-wgsl', 'core'],
  bench: ['conformance', 'flex', 'kvcache', 'kernels-wgsl', 'core'],
  testing: ['core'],
};

/**
 * The folders of a `src`, lowest floor first; folders that share a floor stand in one list. A file imports from its own floor or
 * a lower one, types included. Files directly in `src` are above all floors.
 */
export const floors: Record<string, readonly (string | readonly string[])[]> = {
  'packages/core/src': ['text', 'host', 'tensor', 'paged', 'device'],
  'packages/kernels-wgsl/src': ['text', 'select', 'host', 'api', 'plan', 'tune'],
  'packages/kvcache/src': ['pages', 'sequences', 'kernels', 'stores', 'cache'],
  'packages/tfjs/src': ['device', 'tensors', 'attention'],
};

/** Folders whose cycles through types are not yet gone. */
const typeCycles = ['packages/{bench,conformance,flex}/**'];

/** A folder is at most this deep in a `src` with floors. */
const MAX_DEPTH = 5;

type Pattern = { regex: string; message: string };

const byName: Pattern = {
  regex: String.raw`^(\.\./)+((packages|apps)/)?[^./][^/]*/(src|test|dist)/`,
  message: 'Import another package by its name.',
};

/** What a package's sources may not import from the others. */
function foreignPatterns(name: string): Pattern[] {
  const allowed = arrows[name];
  if (allowed === undefined) return [byName];
  const others = Object.keys(arrows).filter((other) => other !== name && !allowed.includes(other));
  const what = allowed.length === 0 ? 'no other heed package' : `only ${allowed.join(', ')}`;
  return [
    {
      regex: `^@heed/(${others.join('|')})(/|$)`,
      message: `${name} imports ${what} (CONTRIBUTING.md, Layout).`,
    },
    byName,
  ];
}

function restricted(files: string[], patterns: Pattern[]): OxlintOverride {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

/** One override per floor and depth, since the way up to `src` is as many steps as a folder is deep. */
function floorOverrides(src: string): OxlintOverride[] {
  const order = (floors[src] ?? []).map((floor) => [floor].flat());
  const shown = order.map((rooms) => rooms.join(', ')).join(' <- ');
  const message = `The floors of ${src} are ${shown}: a file imports from its own floor or a lower one (CONTRIBUTING.md, In a package).`;
  return order.flatMap((rooms, floor) => {
    const above = order.slice(floor + 1).flat();
    const targets = [...above.map((room) => `${room}/`), String.raw`[^/]+\.ts$`];
    return Array.from({ length: MAX_DEPTH }, (_, depth) => {
      const files = rooms.map((room) => `${src}/${room}/${'*/'.repeat(depth)}*.ts`);
      const upwards = { regex: String.raw`^(\.\./){${depth + 1}}(${targets.join('|')})`, message };
      return restricted(files, [...foreignPatterns(src.split('/')[1] ?? ''), upwards]);
    });
  });
}

const config: OxlintConfig = {
  plugins: ['eslint', 'typescript', 'import', 'unicorn', 'oxc', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { es2024: true },
  ignorePatterns: ['**/dist/**', 'packages/*/api/**'],
  rules: {
    eqeqeq: 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'no-restricted-globals': ['error', { name: 'eval', message: 'heed never evaluates text' }],
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true },
    ],
    'vitest/no-focused-tests': 'error',
    'vitest/no-disabled-tests': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'unicorn/no-new-array': 'off',
    'typescript/restrict-template-expressions': [
      'error',
      { allowNumber: true, allowBoolean: true, allowNullish: true },
    ],
    'no-await-in-loop': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'typescript/consistent-return': 'off',
    'typescript/unbound-method': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect*'] }],
  },
  overrides: [
    { files: typeCycles, rules: { 'import/no-cycle': ['error', { ignoreTypes: true }] } },
    {
      files: ['packages/{core,kernels-wgsl,kvcache,flex,tfjs,onnx}/src/**'],
      rules: { 'no-console': 'error', 'import/no-nodejs-modules': 'error' },
    },
    {
      files: ['packages/kvcache/src/{node,stores/fs-{size,store}}.ts'],
      rules: { 'import/no-nodejs-modules': 'off' },
    },
    restricted(['{packages/*/test,apps}/**'], [byName]),
    ...Object.keys(arrows).map((name) =>
      restricted([`packages/${name}/src/**`], foreignPatterns(name)),
    ),
    ...Object.keys(floors).flatMap(floorOverrides),
  ],
};

export default config;
