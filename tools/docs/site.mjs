// `pnpm docs`: the site of all public packages and of the guides, in dist/. A warning is an error.
import { join } from 'node:path';
import { Application, Converter } from 'typedoc';
import { publicPackages } from '../lib/packages.mjs';
import { root } from '../lib/tool.mjs';
import { brokenLinks, sourcesAsText } from './site-links.mjs';
import { attachReadmes, guides, nameGuide, publicEntries } from './site-pages.mjs';

/** How typedoc reads the packages and what it makes of them. */
const options = {
  name: 'heed',
  tsconfig: join(root, 'tools', 'docs', 'tsconfig.json'),
  readme: join(root, 'README.md'),
  basePath: root,
  plugin: [],
  disableGit: true, // a clone's remote is not where the project lives
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
  headings: { readme: false, document: false }, // their texts have one
  includeHierarchySummary: false, // hardly anything here extends anything
  hideGenerator: true,
  githubPages: true,
  // typedoc takes all packages but that of the repository's root for somebody else's.
  packagesRequiringDocumentation: (await publicPackages()).map(({ manifest }) => manifest.name),
  requiredToBeDocumented: ['Class', 'Function', 'Interface', 'TypeAlias', 'Variable'],
};

/**
 * Types that users meet as what something is, and need no name for: by package, the file and the name. Any other type that
 * the site names must be exported; one that is no longer met, or is exported by now, must go from here.
 */
const unnamedTypes = {
  '@heed/core': ['src/text/capabilities.ts:limitNames', 'src/text/read-options.ts:OptionKind'],
  '@heed/flex': [
    'src/text/ir/expression-node.ts:Node',
    'src/text/frontend/mod-source.ts:ModKind',
    'src/api/flex-attention-vjp.ts:CaptureGradients',
    'src/text/backends/derivative.ts:TableDerivative',
    'src/text/compile/mod-types.ts:AllOf',
    'src/text/compile/mod-types.ts:NeedsCaptures',
    'src/text/compile/compose.ts:MasksOf',
    'src/text/compile/compose.ts:AnyFunction',
    'src/host/block-mask-parts.ts:BlockMaskParts',
  ],
  '@heed/kernels-wgsl': [
    'src/text/parts/kinds.ts:FloatType',
    'src/text/tiles/tile-paths.ts:TileConfig',
    'src/text/tiles/tile-paths.ts:TilePath',
    'src/text/parts/kernel-parts.ts:KernelParts',
    'src/host/attention-call.ts:CallLengths',
    'src/text/parts/kinds.ts:KeyKind',
    'src/text/parts/kinds.ts:LengthKind',
    'src/text/parts/hook.ts:TableRead',
    'src/plan/plan-attention.ts:PageFormat',
    'src/plan/make-plan.ts:PlanParts',
    'src/host/attention-options.ts:WithLse',
    'src/api/attention-names.ts:ResultOption',
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

/** What a reader would miss: docstrings, targets of links, types that a page names and the site lacks. */
function validate(app, project) {
  const { packageName } = project;
  const checks = app.options.getValue('validation');
  const only = (names) =>
    Object.fromEntries(Object.keys(checks).map((name) => [name, names.includes(name)]));

  app.options.setValue('validation', only(['notDocumented', 'invalidLink', 'invalidPath']));
  app.validate(project);

  // typedoc looks for types in the project's own package only: each in turn is that one.
  app.options.setValue('validation', only(['notExported']));
  for (const name of app.options.getValue('packagesRequiringDocumentation')) {
    project.packageName = name;
    app.options.setValue('intentionallyNotExported', unnamedTypes[name] ?? []);
    app.validate(project);
  }
  project.packageName = packageName;
}
