import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';
import { create, globals } from 'webgpu';
import type * as TrainModel from './shipped-model.ts';

// Trains a model of the page in Node, on heed's documentation: `node --conditions=@heed/source scripts/train.ts`.
//   --preset NAME   tiny, small or large; default small
//   --steps N       default: as many as on the page
//   --out FILE      default public/model.safetensors, which the Serve room offers
const local = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    preset: { type: 'string', default: 'small' },
    steps: { type: 'string' },
    out: { type: 'string', default: local('../public/model.safetensors') },
  },
});

// TensorFlow.js expects navigator.gpu, as in a browser, and a CommonJS require.
Object.assign(globalThis, globals, { require: createRequire(import.meta.url) });
Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true });

// Vite loads the script: TensorFlow.js's gradients need a bundler, and the documentation is imported as text.
const conditions = ['@heed/source', 'module', 'default'];
const noExternal = [/^@tensorflow\//, /^@heed\//];
const { module } = await runnerImport<typeof TrainModel>(local('shipped-model.ts'), {
  configFile: false,
  logLevel: 'error',
  environments: { inline: { resolve: { conditions, noExternal, mainFields: ['module', 'main'] } } },
});
await module.trainModel(values);
