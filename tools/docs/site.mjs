// `pnpm docs`: the site of all public packages and of the guides, in dist/. A warning is an error.
import { join } from 'node:path';
import { Application, Converter } from 'typedoc';
import { publicPackages } from '../lib/packages.mjs';
import { root } from '../lib/tool.mjs';
import { brokenLinks, sourcesAsText } from './site-links.mjs';
import { attachReadmes, guides, nameGuide, publicEntries } from './site-pages.mjs';

/** typedoc's options. */
const options = {
  name: 'heed',
  tsconfig: join(root, 'tools', 'docs', 'tsconfig.json'),
  readme: join(root, 'README.md'),
  basePath: root,
  plugin: [],
  disableGit: true, // the remote of a clone is not the address of the project
  disableSources: true,
  excludeInternal: true,
  router: 'structure',
  sort: ['kind', 'alphabetical'],
  sortEntryPoints: false,
  searchInComments: true,
  searchInDocuments: true,
  navigation: { includeFolders: false, includeGroups: false, includeCategories: false },
  customCss: join(root, 'tools', 'docs', 'site.css'),
  lightHighlightTheme: 'github-light',
  darkHighlightTheme: 'github-dark',
  headings: { readme: false, document: false }, // the texts have headings
  includeHierarchySummary: false, // few types extend others
  hideGenerator: true,
  githubPages: true,
  // Without this list, typedoc takes every package but the repository's root for a dependency.
  packagesRequiringDocumentation: (await publicPackages()).map(({ manifest }) => manifest.name),
  requiredToBeDocumented: ['Class', 'Function', 'Interface', 'TypeAlias', 'Variable'],
};

/**
 * Types in public signatures that users need not name: per package, the file and the name. Every other type that the site
 * shows must be exported. A type that is exported, or that the site no longer shows, must not be listed.
 */
const unnamedTypes = {
  '@heed/core': [
    'src/text/capabilities.ts:limitNames',
    'src/text/read-options.ts:OptionKind',
    'src/text/strided-view.ts:View',
  ],
  '@heed/conformance': ['src/reference/dropped-pairs.ts:ReferenceDropout'],
  '@heed/kernels-wgsl': [
    'src/text/tiles/tile-paths.ts:TileConfig',
    'src/text/parts/kernel-parts.ts:KernelParts',
    'src/host/attention-call.ts:CallLengths',
    'src/host/key-lists.ts:TopKeysCall',
    'src/host/options/attention-option.ts:OptionKind',
    'src/host/options/selected-keys.ts:SelectedKeys',
    'src/host/options/visible-band.ts:BandOption',
    'src/host/pair-weights.ts:WeightsCall',
    'src/api/weights-call.ts:Ignored',
    'src/text/parts/hook.ts:AnyHook',
    'src/text/tiles/kernel-config.ts:BackwardConfig',
    'src/host/launch-target.ts:Launch',
    'src/text/parts/kinds.ts:KeyKind',
    'src/text/parts/kinds.ts:LengthKind',
    'src/text/parts/hook.ts:TableRead',
    'src/plan/plan-attention.ts:Planned',
    'src/plan/make-plan.ts:PlanParts',
    'src/host/attention-options.ts:WithLse',
    'src/api/attention-names.ts:ResultName',
    'src/api/attention-names.ts:VariantOption',
    'src/host/forward-pass.ts:ForwardResult',
  ],
};

const out = join(root, 'tools', 'docs', 'dist');
await writeSite();

async function writeSite() {
  const entries = await publicEntries();
  const pages = { entryPoints: entries.map(({ source }) => source), projectDocuments: guides };
  const app = await Application.bootstrap({ ...options, ...pages }, []);
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => nameGuide(document));
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) =>
    attachReadmes(app, project, entries),
  );

  // Types are not checked: the sources are written for the lib.dom of the newest TypeScript, which typedoc cannot use.
  const points = app.getEntryPoints() ?? [];
  for (const point of points) {
    point.displayName = entries.find(({ source }) => source === point.sourceFile.fileName).name;
  }
  const project = app.converter.convert(points);
  validate(app, project);
  await app.generateDocs(project, out);
  await sourcesAsText(out);
  for (const text of await brokenLinks(out)) app.logger.error(text);
  process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;
}

/** Finds missing docstrings, broken links, and types that a page names and the site lacks. */
function validate(app, project) {
  const { packageName } = project;
  const checks = app.options.getValue('validation');
  const only = (names) =>
    Object.fromEntries(Object.keys(checks).map((name) => [name, names.includes(name)]));

  app.options.setValue('validation', only(['notDocumented', 'invalidLink', 'invalidPath']));
  app.validate(project);

  // typedoc checks the exports of one package, the project's: make each package the project's in turn.
  app.options.setValue('validation', only(['notExported']));
  for (const name of app.options.getValue('packagesRequiringDocumentation')) {
    project.packageName = name;
    app.options.setValue('intentionallyNotExported', unnamedTypes[name] ?? []);
    app.validate(project);
  }
  project.packageName = packageName;
}
