import { availableParallelism } from 'node:os';
import type { CompileContext } from '../compile/compile-cases.ts';
import type { CompiledKernel, RefusedCase } from '../compile/compiled-kernel.ts';
import { UnsupportedSpirvError } from '../spirv/spirv-module.ts';
import type { GpuArchitecture } from './gpu-architecture.ts';
import { compileWithNvcc } from './nvcc.ts';
import { type NvidiaFigures, nvidiaFigures } from './nvidia-figures.ts';

/** The figures of kernels on an architecture. */
export interface CompiledForNvidia {
  readonly kernels: readonly {
    readonly name: string;
    readonly label: string;
    readonly figures: NvidiaFigures;
  }[];
  readonly refused: readonly RefusedCase[];
}

/**
 * Compiles the SPIR-V of kernels with nvcc. Rejects with the abort reason of `signal` and with nvcc's errors.
 * A kernel with an operation that CUDA cannot express is among those refused.
 */
export async function compileForNvidia(
  kernels: readonly CompiledKernel[],
  architecture: GpuArchitecture,
  { signal, progress }: CompileContext = {},
): Promise<CompiledForNvidia> {
  const compiled: CompiledForNvidia['kernels'][number][] = [];
  const refused: RefusedCase[] = [];
  const queue = [...kernels.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      signal?.throwIfAborted();
      const [index, compiledKernel] = next;
      const { name, label, spirv } = compiledKernel;
      progress?.(`${architecture.name} ${index + 1}/${kernels.length} ${name}`);
      try {
        const kernel = await compileWithNvcc(spirv, architecture, signal);
        compiled[index] = {
          name,
          label,
          figures: nvidiaFigures(architecture, compiledKernel, kernel),
        };
      } catch (error) {
        if (!(error instanceof UnsupportedSpirvError)) throw error;
        refused.push({ name, reason: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { kernels: compiled.filter(() => true), refused };
}
