import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { installProject } from '../../lib/packed.mjs';
import { root } from '../../lib/paths.mjs';
import { run, tail } from '../../lib/run.mjs';

/** Production builds of builds/mods.js by the bundlers of the web, each at its defaults: what makes one, in a folder of its own. */
const BUILDS = {
  Vite: viteBuild,
  webpack: webpackBuild,
  esbuild: esbuildBuild,
  'esbuild, names kept': (cwd, outdir) => esbuildBuild(cwd, outdir, { keepNames: true }),
};

/** What mods compute is what they compute as they were written, whatever a build makes of their sources. */
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

/** What a program prints behind `heed`. */
async function printedBy(script) {
  const { text } = await run(process.execPath, [script], { output: 'capture' });
  const line = /^heed (.*)$/m.exec(text)?.[1];
  if (line === undefined) throw new Error(`${script} printed ${tail(text)}`);
  return JSON.parse(line);
}
