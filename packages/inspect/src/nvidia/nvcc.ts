import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { parseSpirv, type SpirvModule } from '../spirv/spirv-module.ts';
import { KERNEL, writeCuda } from './cuda-writer.ts';
import { kernelCode } from './cubin.ts';
import type { GpuArchitecture } from './gpu-architecture.ts';
import { decodeSass, type SassInstruction } from './sass.ts';

/** A kernel as ptxas compiled it. */
export interface NvidiaKernel {
  readonly module: SpirvModule;
  readonly code: readonly SassInstruction[];
  readonly registers: number;
  readonly spills: number;
  readonly scratchBytes: number;
  readonly sharedBytes: number;
}

const run = promisify(execFile);

/** The machine has no nvcc. */
export class NoNvccError extends Error {}

/**
 * Returns the name and version of nvcc.
 * @throws NoNvccError there is none
 */
export async function nvccVersion(): Promise<string> {
  const { stdout } = await run('nvcc', ['--version']).catch((cause: unknown) => {
    throw new NoNvccError(
      'nvcc is not on the PATH. Install the CUDA toolkit of NVIDIA, version 12 or later.',
      { cause },
    );
  });
  return `nvcc ${/release .*V([\d.]+)/.exec(stdout)?.[1]}`;
}

/**
 * Compiles a kernel's SPIR-V with nvcc for an architecture. The CUDA C++ and the cubin stay beside the SPIR-V.
 * Rejects with nvcc's errors, and when the writer does not support an operation.
 */
export async function compileWithNvcc(
  spirv: string,
  { name, capability }: GpuArchitecture,
  signal?: AbortSignal,
): Promise<NvidiaKernel> {
  const path = spirv.replace(/\.spv$/, '');
  const [source, cubin] = [`${path}.cu`, `${path}.cubin`];
  const { buffer, byteOffset, byteLength } = await readFile(spirv);
  const module = parseSpirv(new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength)));
  await writeFile(source, writeCuda(module));
  const { stderr } = await run(
    'nvcc',
    [
      '-std=c++17',
      `-arch=${name}`,
      '-cubin',
      '-use_fast_math',
      '-w',
      '-Xptxas=-v',
      '-I',
      import.meta.dirname,
      '-o',
      cubin,
      source,
    ],
    { signal, maxBuffer: 2 ** 26 },
  );
  const of = (pattern: RegExp): number => Number(pattern.exec(stderr)?.[1] ?? 0);
  return {
    module,
    code: decodeSass(kernelCode(await readFile(cubin), KERNEL), capability),
    registers: of(/Used (\d+) registers/),
    spills: of(/(\d+) bytes spill stores/) / 4,
    scratchBytes: of(/(\d+) bytes stack frame/),
    sharedBytes: of(/(\d+) bytes smem/),
  };
}
