import type { OxlintConfig, OxlintOverride } from 'oxlint';

/** The packages of this repository that a package imports. Layout in CONTRIBUTING.md draws the same arrows. */
const arrows: Record<string, readonly string[]> = {
  core: [],
  'kernels-wgsl': ['core'],
  kvcache: ['core'],
  flex: ['kernels-wgsl', 'core'],
  tfjs: ['flex', 'kernels-wgsl', 'core'],
  onnx: ['core'],
  router: [],
  valkey: ['kvcache', 'router'],
  conformance: ['flex', 'kvcache', 'kernels-wgsl', 'core'],
  bench: ['conformance', 'flex', 'kvcache', 'kernels-wgsl', 'core', 'router', 'valkey', 'testing'],
  inspect: ['bench', 'flex', 'kernels-wgsl', 'core', 'testing'],
  sim: ['kvcache', 'router', 'testing'],
  testing: ['core'],
};

/** Rooms of one floor: those of a list may import one another, those `apart` may not. */
type Floor = string | readonly string[] | { readonly apart: readonly string[] };

/**
 * The folders in a folder, lowest floor first. A file imports from its own floor or a lower one, types included. Files directly
 * in the folder are above all floors.
 */
export const floors: Record<string, readonly Floor[]> = {
  'packages/core/src': ['text', 'host', 'tensor', 'paged', 'device'],
  'packages/kernels-wgsl/src': ['text', 'select', 'host', 'api', 'plan', 'tune'],
  'packages/kernels-wgsl/src/text': ['parts', 'tiles', 'kernels'],
  'packages/kvcache/src': ['pages', 'sequences', 'kernels', 'stores', 'cache'],
  'packages/flex/src': ['text', ['masks', 'mods'], 'examples', 'host', 'api'],
  'packages/flex/src/text': ['ir', 'frontend', 'backends', 'compile', 'kernels'],
  'packages/tfjs/src': ['device', 'tensors', 'attention'],
  'packages/conformance/src': [
    'reference',
    'budget',
    'problems',
    { apart: ['cases', 'gradcheck'] },
    'run',
    'engines',
    'cli',
  ],
  'packages/conformance/src/cases': [
    'shared',
    { apart: ['forward', 'backward', 'cache', 'flex', 'quantised', 'selected', 'validation'] },
  ],
  'packages/bench/src': [
    'measure',
    'onnx',
    'peers',
    'comparisons',
    'runs',
    'report',
    { apart: ['browser', 'fleet', 'gpu-box', 'tune'] },
  ],
  'packages/sim/src': ['trace', 'cost', 'cell', 'studies', 'report'],
  'packages/inspect/src': [
    'spirv',
    'device',
    'cases',
    'compile',
    { apart: ['amd', 'nvidia'] },
    'limits',
    'report',
  ],
  'examples/llm/src': ['kernels', 'checkpoint', 'model', 'generation', 'serving'],
  'apps/demo/src': [
    { apart: ['text', 'page'] },
    'transformer',
    { apart: ['conformance', 'explore', 'serve', 'train'] },
  ],
  'apps/demo/src/explore': ['program', 'model', 'view'],
  'apps/demo/src/serve': ['engine', 'session', 'view'],
  'apps/demo/src/train': ['model', 'view'],
};

/** Folders with floors hold at most this many folders in one another. */
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

const roomsOf = (floor: Floor): readonly string[] =>
  typeof floor === 'object' && 'apart' in floor ? floor.apart : [floor].flat();

/** The order of a folder's floors, as messages show it. */
export const floorOrder = (folder: string): string =>
  (floors[folder] ?? []).map((floor) => roomsOf(floor).join(', ')).join(' <- ');

/** The rooms of a folder that a file in `room` may not import from. */
export function roomsAbove(folder: string, room: string): string[] {
  const order = floors[folder] ?? [];
  const own = order.findIndex((floor) => roomsOf(floor).includes(room));
  const floor = order[own];
  const beside = typeof floor === 'object' && 'apart' in floor ? floor.apart : [];
  return [...order.slice(own + 1).flatMap(roomsOf), ...beside.filter((other) => other !== room)];
}

const depthOf = (path: string): number => path.split('/').length;

/** What files in a folder may not import from rooms above theirs, for each folder with floors around it. */
function upwardPatterns(files: string): Pattern[] {
  return Object.keys(floors)
    .filter((folder) => files.startsWith(`${folder}/`))
    .map((folder) => {
      const room = files.slice(folder.length + 1).split('/')[0] ?? '';
      const targets = [...roomsAbove(folder, room).map((other) => `${other}/`), '[^/]+$'];
      const steps = depthOf(files) - depthOf(folder);
      return {
        regex: String.raw`^(\.\./){${steps}}(${targets.join('|')})`,
        message: `The floors of ${folder} are ${floorOrder(folder)}: a file imports from its own floor or a lower one (CONTRIBUTING.md, In a package).`,
      };
    });
}

/** One override per room and depth, since the way up to a folder has as many steps as the file is deep in it. */
function floorOverrides(folder: string): OxlintOverride[] {
  const foreign = foreignPatterns(folder.split('/')[1] ?? '');
  return (floors[folder] ?? []).flatMap(roomsOf).flatMap((room) =>
    Array.from({ length: MAX_DEPTH }, (_, depth) => {
      const files = `${folder}/${room}${'/*'.repeat(depth)}`;
      return restricted([`${files}/*.ts`], [...foreign, ...upwardPatterns(files)]);
    }),
  );
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
    {
      files: ['packages/{core,kernels-wgsl,kvcache,flex,tfjs,onnx,router,valkey}/src/**'],
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
    // Of two overrides the later holds: inner folders come after the folders around them.
    ...Object.keys(floors)
      .toSorted((a, b) => depthOf(a) - depthOf(b))
      .flatMap(floorOverrides),
  ],
};

export default config;
