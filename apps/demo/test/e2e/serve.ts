import type { TestProject } from 'vitest/node';
import { serveDemo } from '../../scripts/server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly demoUrl: string;
  }
}

/** Builds and serves the demo once for all files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await serveDemo();
  project.provide('demoUrl', server.url);
  return server.close;
}
