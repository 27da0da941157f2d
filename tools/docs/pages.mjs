import { join } from 'node:path';
import { publicPackages } from '../lib/packages.mjs';
import { root } from '../lib/paths.mjs';

/** Every Markdown file that the README or a guide sends its reader to. */
export const guides = [
  'docs/*.md',
  'CONTRIBUTING.md',
  'apps/demo/README.md',
  'packages/bench/README.md',
  'examples/README.md',
].map((path) => join(root, path));

/** The order in which a reader meets the packages. */
const ORDER = ['core', 'kernels-wgsl', 'flex', 'kvcache', 'conformance', 'tfjs', 'onnx'];

/** What users can import: for each entry of each public package its name, its source, and for the main one its package's folder. */
export async function publicEntries() {
  const packages = await publicPackages();
  const ordered = packages.toSorted(
    (a, b) => ORDER.indexOf(a.directory) - ORDER.indexOf(b.directory),
  );
  return ordered.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([subpath]) => subpath !== './package.json')
      .map(([subpath, target]) => ({
        name: manifest.name + subpath.slice(1),
        source: join(folder, target['@heed/source']),
        folder: subpath === '.' ? folder : undefined,
      })),
  );
}
