// `pnpm docs`: the site of all public packages and of the guides, in dist/. A warning is an error.
import { join } from 'node:path';
import { Application, Converter } from 'typedoc';
import { root } from '../lib/paths.mjs';
import { brokenLinks } from './links.mjs';
import { options } from './options.mjs';
import { guides, publicEntries } from './pages.mjs';
import { attachReadmes, nameGuide } from './reflections.mjs';
import { sourcesAsText } from './sources.mjs';
import { validate } from './validate.mjs';

const out = join(root, 'tools', 'docs', 'dist');
const entries = await publicEntries();
const pages = { entryPoints: entries.map(({ source }) => source), projectDocuments: guides };
const app = await Application.bootstrap({ ...options, ...pages }, []);

app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => nameGuide(document));
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) =>
  attachReadmes(app, project, entries),
);

// Without a check of types, which is the newest TypeScript's to make: sources that are written for its lib.dom.
const points = app.getEntryPoints() ?? [];
for (const point of points) {
  point.displayName = entries.find(({ source }) => source === point.sourceFile.fileName).name;
}
const project = app.converter.convert(points);
validate(app, project);
await app.generateDocs(project, out);
await sourcesAsText(out);
const broken = await brokenLinks(out);
for (const text of broken) app.logger.error(text);
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;
