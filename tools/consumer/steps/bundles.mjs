import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { installProject } from '../../lib/packages.mjs';
import { run, tail } from '../../lib/run.mjs';
import { root } from '../../lib/tool.mjs';

/** Programs of one import, and the files of our packages that their bundles may contain. */
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

/** Finds code in the bundle of one function that the function does not need. */
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

/** Returns the files of our packages that a bundle of one import contains, as `core/text/errors.js`. */
async function filesOf(cwd, imports, from) {
  await mkdir(cwd, { recursive: true });
  const entry = join(cwd, 'entry.js');
  await writeFile(entry, `export { ${imports} } from '${from}';\n`);
  const [{ output }] = await vite({
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

/** Production builds of builds/mods.js, per bundler at its defaults; each writes to its own folder. */
const BUILDS = {
  Vite: viteBuild,
  webpack: webpackBuild,
  esbuild: esbuildBuild,
  'esbuild, names kept': (cwd, outdir) => esbuildBuild(cwd, outdir, { keepNames: true }),
};

/** Finds mods whose results change with a production build of their sources. */
export async function buildFaults(packed, folder) {
  const cwd = join(folder, 'builds');
  await cp(join(root, 'tools', 'consumer', 'builds'), cwd, { recursive: true });
  await installProject(cwd, packed, ['@heed/flex', '@heed/kernels-wgsl', '@heed/core']);
  const want = await printedBy(join(cwd, 'mods.js'));
  const faults = wrongAsWritten(want);
  for (const [name, build] of Object.entries(BUILDS)) {
    const out = join(cwd, 'dist', name);
    await build(cwd, out);
    const files = await readdir(out, { recursive: true });
    const got = await printedBy(
      join(
        out,
        files.find((file) => file.endsWith('.js')),
      ),
    );
    faults.push(...differences(name, got, want));
  }
  return faults;
}

function wrongAsWritten(values) {
  const refused = values.filter(([, value]) => typeof value === 'string');
  return refused.map(([mod, message]) => `${mod} does not compile as it was written: ${message}`);
}

function differences(build, got, want) {
  return got
    .map(([mod, value], i) => [mod, value, want[i][1]])
    .filter(([, value, other]) => String(value) !== String(other))
    .map(([mod, value, other]) => `${build}: ${mod} gives ${value}, not ${other}`);
}

async function viteBuild(cwd, outDir) {
  await vite({
    root: cwd,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      modulePreload: false,
      rolldownOptions: { input: join(cwd, 'mods.js') },
    },
  });
}

async function esbuildBuild(cwd, outdir, options = {}) {
  await esbuild({
    absWorkingDir: cwd,
    entryPoints: ['mods.js'],
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    external: ['webgpu'],
    logLevel: 'error',
    ...options,
  });
}

function webpackBuild(cwd, path) {
  const config = {
    context: cwd,
    mode: 'production',
    entry: './mods.js',
    output: { path, filename: 'mods.js' },
    externals: { webgpu: 'null' },
    performance: false,
  };
  return new Promise((resolve, reject) => {
    webpack(config, (error, stats) => {
      if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString('errors-only')));
      else resolve();
    });
  });
}

/** Runs a program; returns the JSON that it prints after `heed`. */
async function printedBy(script) {
  const { text } = await run(process.execPath, [script], { output: 'capture' });
  const line = /^heed (.*)$/m.exec(text)?.[1];
  if (line === undefined) throw new Error(`${script} printed ${tail(text)}`);
  return JSON.parse(line);
}
