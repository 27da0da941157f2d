// `pnpm check:consumer`: what the packages are to their users, as the registry would have them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from '../lib/log.mjs';
import { packPackages } from '../lib/packed.mjs';
import { installedAlone } from './steps/alone.mjs';
import { appRuns } from './steps/app.mjs';
import { buildFaults } from './steps/builds.mjs';
import { tarballFaults } from './steps/tarballs.mjs';
import { shakenFaults } from './steps/shaken.mjs';
import { typeErrors } from './steps/types.mjs';

const steps = {
  'tarballs: files, manifest, publint, attw': tarballFaults,
  'each package alone: what an install brings, every entry imported': installedAlone,
  'declarations in TypeScript 5.9 and 7': typeErrors,
  'what a bundle of one function holds': shakenFaults,
  'mods in production builds of Vite, webpack and esbuild': buildFaults,
  'a program in Node, bundled by Vite, and in Chromium': appRuns,
};

const folder = await mkdtemp(join(tmpdir(), 'heed-consumer-'));
try {
  const packed = await packPackages(folder);
  for (const [title, step] of Object.entries(steps)) {
    say('consumer', title);
    for (const fault of await step(packed, folder)) {
      process.stderr.write(`${fault}\n`);
      process.exitCode = 1;
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
