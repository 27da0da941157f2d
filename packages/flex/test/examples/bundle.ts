import { buildSync } from 'esbuild';

/** The seed example with all that it imports, minified as an application would be. */
export function minifiedSeed(): string {
  const { outputFiles } = buildSync({
    entryPoints: [new URL('seed.ts', import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: 'esm',
    conditions: ['@heed/source'],
    // Node's adapter, which is imported only where there is no navigator.gpu.
    external: ['webgpu'],
    write: false,
  });
  return outputFiles[0]!.text;
}
