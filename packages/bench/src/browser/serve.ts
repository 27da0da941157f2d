import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const root: string = fileURLToPath(new URL('page/', import.meta.url));

/** The page on a free port of this machine. */
export interface Served {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Builds the page into a folder of its own and serves it. */
export async function servePage(): Promise<Served> {
  const outDir = await mkdtemp(join(tmpdir(), 'heed-bench-'));
  const config = { root, configFile: false, logLevel: 'error' } as const;
  await build({
    ...config,
    resolve: { conditions: ['@heed/source', 'module', 'browser', 'default'] },
    build: { outDir, emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 10_000 },
  });
  const server = await preview({
    ...config,
    build: { outDir },
    preview: { port: 0, host: '127.0.0.1' },
  });
  return {
    url: server.resolvedUrls!.local[0]!,
    close: async () => {
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}
