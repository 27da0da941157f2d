import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompiledKernel } from './compiled-kernel.ts';

/**
 * Copies the files of kernels to a folder, by the kernels' names: assembly, SPIR-V, statistics, the WGSL where it is known, and what nvcc
 * read and wrote.
 */
export async function keepFiles(kernels: readonly CompiledKernel[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, label, assembly, spirv, wgsl, statistics } of kernels) {
    const path = join(folder, name.replaceAll(/[^\w.=-]+/g, '-'));
    await copyFile(assembly, `${path}.s`);
    await copyFile(spirv, `${path}.spv`);
    await writeFile(`${path}.json`, `${JSON.stringify({ name, label, statistics }, null, 2)}\n`);
    for (const extension of ['.cu', '.cubin']) {
      const file = spirv.replace(/\.spv$/, extension);
      if (existsSync(file)) await copyFile(file, `${path}${extension}`);
    }
    if (wgsl !== undefined) await writeFile(`${path}.wgsl`, wgsl);
  }
}
