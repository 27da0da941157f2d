import { join } from 'node:path';
import { publicPackages } from '../lib/packages.mjs';
import { root } from '../lib/paths.mjs';

/** How typedoc reads the packages and what it makes of them. */
export const options = {
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
