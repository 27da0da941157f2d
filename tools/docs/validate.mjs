import { unnamedTypes } from './unnamed.mjs';

/** What a reader would miss: docstrings, targets of links, types that a page names and the site lacks. */
export function validate(app, project) {
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
