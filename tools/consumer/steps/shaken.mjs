import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { build } from 'vite';
import { installProject } from '../../lib/packed.mjs';

/** What a program imports, and the only files of ours that its bundle may have code of. */
const PROGRAMS = [
  { imports: 'HeedError', from: '@heed/core', may: /^core\/text\/errors\.js$/ },
  { imports: 'causal', from: '@heed/flex/masks', may: /^flex\/masks\/causal\.js$/ },
  { imports: 'softcap', from: '@heed/flex/mods', may: /^flex\/mods\/softcap\.js$/ },
  {
    imports: 'memoryStore',
    from: '@heed/kvcache',
    may: /^(core\/text\/errors\.js$|kvcache\/stores\/)/,
  },
  { imports: 'PagedKvCache', from: '@heed/kvcache', may: /^(core|kvcache)\// },
  {
    imports: 'attention',
    from: '@heed/kernels-wgsl',
    may: /^(core|kernels-wgsl)\/(?!tune\/|.*(backward|gradient|vjp))/,
  },
  { imports: 'attentionVjp', from: '@heed/kernels-wgsl', may: /^(core|kernels-wgsl)\/(?!tune\/)/ },
];

/** A bundle of one function holds what that needs, and nothing else of the packages. */
export async function shakenFaults(packed, folder) {
  const cwd = join(folder, 'shaken');
  const names = [...new Set(PROGRAMS.map(({ from }) => from.split('/').slice(0, 2).join('/')))];
  await installProject(cwd, packed, names);
  const faults = [];
  for (const { imports, from, may } of PROGRAMS) {
    const extra = (await filesOf(cwd, imports, from)).filter((file) => !may.test(file));
    if (extra.length > 0)
      faults.push(`a bundle of ${imports} of ${from} holds ${extra.join(', ')}`);
  }
  return faults;
}

/** The files of our packages that a bundle of one import has code of, as `core/errors.js`. */
async function filesOf(cwd, imports, from) {
  await mkdir(cwd, { recursive: true });
  const entry = join(cwd, 'entry.js');
  await writeFile(entry, `export { ${imports} } from '${from}';\n`);
  const [{ output }] = await build({
    root: cwd,
    configFile: false,
    logLevel: 'error',
    build: { write: false, lib: { entry, formats: ['es'] } },
  });
  const modules = output.flatMap((chunk) => Object.entries(chunk.modules ?? {}));
  return modules
    .filter(([id, { renderedLength }]) => renderedLength > 0 && id !== entry)
    .map(([id]) =>
      relative(cwd, id)
        .split(sep)
        .join('/')
        .replace(/.*\/@heed\/([^/]+)\/dist\//, '$1/'),
    );
}
