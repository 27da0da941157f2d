import { fileURLToPath } from 'node:url';
import { build } from 'vite';

let bundled: Promise<string> | undefined;

/** The program with the packages' sources, as one module that every engine can load. */
export function programText(): Promise<string> {
  return (bundled ??= bundle());
}

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    root: fileURLToPath(new URL('../../', import.meta.url)),
    logLevel: 'error',
    resolve: { conditions: ['@heed/source', 'module', 'default'] },
    build: {
      write: false,
      minify: false,
      target: 'es2024',
      lib: { entry: fileURLToPath(new URL('program.ts', import.meta.url)), formats: ['es'] },
      rolldownOptions: { external: ['webgpu'], output: { codeSplitting: false } },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !('output' in output)) throw new Error('vite gave no bundle');
  return output.output[0].code;
}
