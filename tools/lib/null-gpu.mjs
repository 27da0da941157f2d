import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { probe } from './adapters.mjs';
import { run, tail } from './run.mjs';
import { cache, root, say } from './tool.mjs';

const SOURCES = ['null-driver.c', 'pipeline-records.c', 'pipeline-records.h'].map((name) =>
  join(root, 'packages', 'inspect', 'driver', name),
);
const MANIFESTS = [
  '/usr/share/vulkan/icd.d/radeon_icd.json',
  '/usr/share/vulkan/icd.d/radeon_icd.x86_64.json',
];
const folder = join(cache, 'null-driver');

/**
 * Finds the null device: a Radeon GPU that Mesa compiles for and that the machine does not have. Returns `{ kind, name, env }` like an
 * adapter, or `missing` with the package that must be installed. The driver before Mesa's is built the first time.
 */
export async function findNullGpu(env) {
  const manifest = MANIFESTS.find((path) => existsSync(path));
  if (!manifest) return { missing: 'Mesa’s RADV is not installed (Debian: mesa-vulkan-drivers)' };
  const failure = await buildDriver(manifest, env);
  if (failure) return { missing: failure };
  const found = await probe(
    { XDG_RUNTIME_DIR: tmpdir(), ...env },
    {
      VK_DRIVER_FILES: join(folder, 'null-driver.json'),
      RADV_FORCE_FAMILY: 'navi31',
      // Kernels that come from Mesa's cache on disk would leave no record.
      MESA_SHADER_CACHE_DISABLE: 'true',
    },
  );
  if (!found) return { missing: 'Dawn refuses Mesa’s RADV (it needs Mesa 25 or later)' };
  return { ...found, kind: 'null device', name: `${found.name}, computes nothing` };
}

/** Builds the driver if it is missing or older than its sources; returns why it could not, or undefined. */
async function buildDriver(manifest, env) {
  const library = join(folder, 'libnull_driver.so');
  const { library_path: realDriver, api_version: version } = JSON.parse(
    readFileSync(manifest, 'utf8'),
  ).ICD;
  const changed = Math.max(...SOURCES.map((path) => statSync(path).mtimeMs));
  if (existsSync(library) && statSync(library).mtimeMs > changed) return undefined;
  say('driver', 'building the null driver');
  mkdirSync(folder, { recursive: true });
  // Another process may build it at the same time, so the library appears at once or not at all.
  const built = `${library}.${process.pid}`;
  const flags = ['-std=gnu11', '-O1', '-shared', '-fPIC', `-DREAL_DRIVER="${realDriver}"`];
  const files = SOURCES.filter((path) => path.endsWith('.c'));
  const args = [...flags, '-o', built, ...files, '-ldl', '-lpthread'];
  const { code, text } = await run('gcc', args, { env, output: 'capture' }).catch(() => ({}));
  if (code === undefined) return 'gcc is not installed (Debian: gcc)';
  if (code !== 0 && text.includes('vulkan')) {
    return 'Vulkan’s headers are not installed (Debian: libvulkan-dev)';
  }
  if (code !== 0) return `gcc could not build the null driver:\n${tail(text)}`;
  writeFileSync(
    join(folder, 'null-driver.json'),
    JSON.stringify({
      file_format_version: '1.0.0',
      ICD: { library_path: './libnull_driver.so', api_version: version },
    }),
  );
  renameSync(built, library);
  return undefined;
}
