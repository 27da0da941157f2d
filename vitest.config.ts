import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import type { BrowserProviderOption } from 'vitest/node';
import { start } from './packages/conformance/src/engines/engine-process.ts';
import { chromiumLaunch } from './packages/testing/src/chromium.ts';
import { startedBrowser } from './packages/testing/src/started-browser.ts';

const conditions = ['@heed/source', 'module', 'default'];
const setup = (name: string): string =>
  fileURLToPath(new URL(`packages/testing/src/${name}.ts`, import.meta.url));

/** GPU projects run in one process: its files share one device, and so its compiled pipelines. */
const oneProcess = { isolate: false, fileParallelism: false, maxWorkers: 1 } as const;

/** Numerics on a software adapter take seconds, most of them in the driver's compiler. */
const patience = { testTimeout: 300_000, hookTimeout: 300_000 } as const;

const full = process.env['HEED_FULL'] === '1';
const tierEnv = (tier: string): Record<string, string> => ({
  HEED_TIER: tier,
  ...(full ? { HEED_FULL: '1' } : {}),
});

const unit: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'unit',
    include: ['{packages,apps,examples}/*/test/unit/**/*.test.ts', 'tools/test/**/*.test.mjs'],
    env: tierEnv('unit'),
    setupFiles: [setup('setup')],
    // Importing the sources anew for each file took a third of the tier's time.
    isolate: false,
    // Some go through thousands of generated programs, and the machine may be busy.
    testTimeout: 60_000,
  },
};

const everyGpu = '{packages/*,apps/*,examples/*}/test/gpu/**/*.test.ts';
/** What needs a GPU and says nothing about it: examples of documents, seeded faults, other libraries. */
const anyGpu = '{packages/*,apps/*,examples,examples/*}/test/once/**/*.test.ts';

const gpuInNode = (name: string, include = [everyGpu]): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include,
    env: tierEnv(name),
    setupFiles: [setup('setup'), setup('setup-gpu')],
    pool: 'forks',
    ...oneProcess,
    ...patience,
  },
});

const gpuInBrowser = (
  name: string,
  browser: 'chromium' | 'firefox',
  provider: BrowserProviderOption,
): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include: ['packages/*/test/browser/**/*.test.ts'],
    env: tierEnv(name),
    setupFiles: [setup('setup'), setup('setup-gpu')],
    ...oneProcess,
    ...patience,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      instances: [{ browser }],
      provider,
    },
  },
});

const inChromium = playwright({ launchOptions: chromiumLaunch() });
const inFirefox = startedBrowser(playwright(), (url) => start('firefox', url));

/** The conformance cases in another engine, which the tests start and talk to. */
const otherEngine = (name: string): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include: ['packages/conformance/test/engine/**/*.test.ts'],
    env: tierEnv(name),
    setupFiles: [setup('setup')],
    ...oneProcess,
    ...patience,
  },
});

/** What the compilers of GPUs make of the kernels, on a device that computes nothing. */
const compilers: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'gpu-compiler',
    include: ['packages/inspect/test/compiler/**/*.test.ts'],
    env: tierEnv('gpu-compiler'),
    setupFiles: [setup('setup')],
    pool: 'forks',
    ...oneProcess,
    // All kernels of a family are compiled at once.
    hookTimeout: 1_200_000,
  },
};

/** Real servers, one per file. */
const valkey: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'valkey',
    include: ['{packages,examples}/*/test/valkey/**/*.test.ts'],
    env: tierEnv('valkey'),
    setupFiles: [setup('setup')],
    pool: 'forks',
    ...oneProcess,
    testTimeout: 60_000,
    // Workers of a cell compile their kernels first.
    hookTimeout: 300_000,
  },
};

/** The demo as its visitors have it: built, served, and driven in Chromium from here. */
const demo: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'demo',
    include: ['apps/demo/test/e2e/**/*.test.ts'],
    env: tierEnv('demo'),
    setupFiles: [setup('setup')],
    globalSetup: ['apps/demo/scripts/demo-server.ts'],
    fileParallelism: false,
    ...patience,
  },
};

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // `npm test` takes all tests but those of the first tag; those of the second on every device, the others in `once`.
    tags: [
      {
        name: 'full',
        description:
          'Left to `npm run test:full`: slow, and what it proves, the others of its file prove of one case.',
      },
      {
        name: 'device',
        description:
          'What it proves depends on features or limits of the device: runs on all of them, and not in `once`.',
      },
    ],
    projects: [
      unit,
      gpuInNode('gpu-node'),
      gpuInNode('gpu-minimal'),
      gpuInNode('gpu-swiftshader'),
      // `npm test` runs there, too, whatever of the others' tests depends on no device.
      gpuInNode('once', full ? [anyGpu] : [anyGpu, everyGpu]),
      gpuInNode('gpu'),
      gpuInNode('subgroup-matrix', ['packages/conformance/test/gpu/cases.test.ts']),
      gpuInBrowser('gpu-browser', 'chromium', inChromium),
      otherEngine('gpu-naga'),
      full ? gpuInBrowser('gpu-firefox', 'firefox', inFirefox) : otherEngine('gpu-firefox'),
      compilers,
      valkey,
      demo,
    ],
  },
});
