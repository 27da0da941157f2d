import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';

const root: string = fileURLToPath(new URL('..', import.meta.url));

/** The built demo, served on a free port. */
interface Server {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Builds the demo as it is shipped and serves it. */
export async function serveDemo(): Promise<Server> {
  await build({ root, logLevel: 'error' });
  const server = await preview({
    root,
    logLevel: 'error',
    preview: { port: 0, host: '127.0.0.1' },
  });
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() };
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly demoUrl: string;
  }
}

/** Builds and serves the demo once for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await serveDemo();
  project.provide('demoUrl', server.url);
  return server.close;
}
