import { CompileError, HeedError } from '@heed/core';
import { type KernelCase, planOfCase } from '../cases/kernel-case.ts';
import { type NullGpu, openNullGpu, recordPipelines } from '../device/null-gpu.ts';
import { readRecords, workgroupThreads } from '../device/pipeline-record.ts';
import { type CompiledKernel, kernelName, type RefusedCase } from './compiled-kernel.ts';
import { factsOfLabel } from './kernel-facts.ts';

/** The context of a run. */
export interface CompileContext {
  readonly signal?: AbortSignal;
  readonly progress?: (line: string) => void;
}

/** The result of a run over cases. */
export interface Compiled {
  readonly family: string;
  /** Name and version of the driver whose compiler it is. */
  readonly driver: string;
  readonly kernels: readonly CompiledKernel[];
  readonly refused: readonly RefusedCase[];
  /** The folder of the kernels' files. */
  readonly folder: string;
}

/**
 * Compiles the kernels of cases for a family. Each kernel appears once: one that several cases share belongs to the first.
 * Rejects with the abort reason of `signal`.
 * @throws CompileError a kernel that the compiler refuses
 */
export async function compileCases(
  cases: readonly KernelCase[],
  family: string,
  { signal, progress }: CompileContext = {},
): Promise<Compiled> {
  const folder = recordPipelines();
  const gpus = new Map<string | undefined, NullGpu>();
  const kernels: CompiledKernel[] = [];
  const refused: RefusedCase[] = [];
  let seen = 0;
  for (const [i, one] of cases.entries()) {
    signal?.throwIfAborted();
    progress?.(`${i + 1}/${cases.length} ${one.name}`);
    const device = gpus.get(one.path) ?? (await openNullGpu(family, one.path));
    gpus.set(one.path, device);
    const reason = await compileCase(device, one);
    if (reason !== undefined) refused.push({ name: one.name, reason });
    for (const record of readRecords(folder, seen)) {
      seen++;
      kernels.push({
        ...record,
        name: kernelName(one, record.label),
        threads: workgroupThreads(record.spirv),
        facts: factsOfLabel(record.label),
        wgsl: device.wgsl.get(record.label),
      });
    }
  }
  const [first] = gpus.values();
  return { family, driver: first?.driver ?? '', kernels: unique(kernels), refused, folder };
}

/** Compiles a case; returns why the device refuses it. */
async function compileCase({ gpu }: NullGpu, one: KernelCase): Promise<string | undefined> {
  try {
    using plan = planOfCase(gpu, one);
    await plan.warmup();
  } catch (error) {
    if (!HeedError.is(error) || error instanceof CompileError) throw error;
    return error.message;
  }
}

/** Devices of different paths compile the same helpers again. */
function unique(kernels: readonly CompiledKernel[]): CompiledKernel[] {
  return kernels.filter(({ name }, i) => kernels.findIndex((one) => one.name === name) === i);
}
