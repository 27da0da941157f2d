import type { KernelCase } from '../cases/kernel-case.ts';
import type { PipelineRecord } from '../device/pipeline-record.ts';
import { factsOfLabel, type KernelFacts } from './kernel-facts.ts';

/** A kernel that a case compiled, as AMD's compiler has it; its SPIR-V is for other compilers. */
export interface CompiledKernel extends PipelineRecord {
  /** The case's name, with the kind of kernel if a case has several; a helper is named by its label. */
  readonly name: string;
  /** Threads of a workgroup. */
  readonly threads: number;
  /** Undefined for helpers. */
  readonly facts: KernelFacts | undefined;
  /** In decode, the workgroups of the case's call. */
  readonly workgroups: number | undefined;
  /** Undefined for kernels of other programs. */
  readonly wgsl: string | undefined;
}

/** A case that this device refuses, and why. */
export interface RefusedCase {
  readonly name: string;
  readonly reason: string;
}

/** Returns the name of a case's kernel, which does not depend on the other cases. */
export function kernelName({ name, problem }: KernelCase, label: string): string {
  const facts = factsOfLabel(label);
  if (facts === undefined) return label.replace(/^heed\//, '');
  return problem.backward === true ? `${name} ${facts.kind}` : name;
}
