import { CompileError } from '../errors.ts';
import { numberedSource } from '../wgsl/numbered.ts';
import type { KernelSource } from './kernel.ts';

/** What the adapter's compiler said of a kernel, with the kernel's text. */
export async function compileError(
  source: KernelSource,
  module: GPUShaderModule,
  reason: string,
  cause: unknown,
): Promise<CompileError> {
  const info = await module
    .getCompilationInfo()
    .catch(() => ({ messages: [] as readonly GPUCompilationMessage[] }));
  const messages = info.messages.map((m) => `${m.lineNum}:${m.linePos} ${m.type}: ${m.message}`);
  // WebGPU counts lines from 1, and has 0 for no place.
  const first = info.messages.find(({ type, lineNum }) => type === 'error' && lineNum > 0);
  const place = first && { line: first.lineNum, column: first.linePos, length: first.length };
  return new CompileError(
    `getKernel: the adapter's compiler refused kernel "${source.label}":\n${messages.join('\n') || reason.trim()}\n\n${numberedSource(source.code)}`,
    { cause, ...place },
  );
}
