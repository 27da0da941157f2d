import { CompileError, HeedError } from '@heed/core';
import { type KernelCase, planOfCase } from '../cases/kernel-case.ts';
import { type OnnxCase, runOnnxCase } from '../cases/onnx-cases.ts';
import { type NullDevice, type NullGpu, openNullGpu, recordPipelines } from '../device/null-gpu.ts';
import { type PipelineRecord, readRecords, workgroupThreads } from '../device/pipeline-record.ts';
import { type CompiledKernel, kernelName, type RefusedCase } from './compiled-kernel.ts';
import { factsOfLabel } from './kernel-facts.ts';

/** The context of a run. */
export interface CompileContext {
  readonly signal?: AbortSignal;
  readonly progress?: (line: string) => void;
}

/** The result of a run over cases. */
export interface Compiled {
  /** Name and version of the driver whose compiler it is. */
  readonly driver: string;
  readonly kernels: readonly CompiledKernel[];
  readonly refused: readonly RefusedCase[];
  /** The folder of the kernels' files. */
  readonly folder: string;
}

/**
 * Compiles the kernels of cases for a device. Each kernel appears once: one that several cases share belongs to the first.
 * Rejects with the abort reason of `signal`.
 * @throws CompileError a kernel that the compiler refuses
 */
export async function compileCases(
  cases: readonly (KernelCase | OnnxCase)[],
  wanted: NullDevice,
  { signal, progress }: CompileContext = {},
): Promise<Compiled> {
  const folder = recordPipelines();
  const plain = await openNullGpu(wanted);
  const forced = new Map<string, NullGpu>();
  const kernels: CompiledKernel[] = [];
  const refused: RefusedCase[] = [];
  let seen = 0;
  for (const [i, one] of cases.entries()) {
    signal?.throwIfAborted();
    progress?.(`${i + 1}/${cases.length} ${one.name}`);
    const records = (): PipelineRecord[] => {
      const fresh = readRecords(folder, seen);
      seen += fresh.length;
      return fresh;
    };
    if ('workload' in one) {
      await runOnnxCase(one);
      kernels.push(onnxKernel(one, records()));
      continue;
    }
    const { path } = one;
    const device =
      path === undefined ? plain : (forced.get(path) ?? (await openNullGpu(wanted, path)));
    if (path !== undefined) forced.set(path, device);
    const { reason, workgroups } = await compileCase(device, one);
    if (reason !== undefined) refused.push({ name: one.name, reason });
    kernels.push(...heedKernels(one, records(), device, workgroups));
  }
  return { driver: plain.driver, kernels: unique(kernels), refused, folder };
}

interface CaseResult {
  /** Why the device refuses the case. */
  readonly reason?: string;
  /** The workgroups of a decode step. */
  readonly workgroups?: number | undefined;
}

async function compileCase({ gpu }: NullGpu, one: KernelCase): Promise<CaseResult> {
  try {
    using plan = planOfCase(gpu, one);
    await plan.warmup();
    return { workgroups: decodeWorkgroups(one, plan.describe()) };
  } catch (error) {
    if (!HeedError.is(error) || error instanceof CompileError) throw error;
    return { reason: error.message };
  }
}

/** Returns the workgroups of a decode step of one position: kv heads × sequences × splits, as the plan describes them. */
function decodeWorkgroups({ problem }: KernelCase, description: string): number | undefined {
  if (!description.startsWith('decode')) return undefined;
  const splits = Number(/keys in (\d+) splits/.exec(description)?.[1] ?? 1);
  const { layout, k, sequences = 1 } = problem;
  const kvHeads = k[layout === 'paged' ? 2 : 1]!;
  return splits * kvHeads * (layout === 'dense' ? k[0]! : sequences);
}

function heedKernels(
  one: KernelCase,
  records: readonly PipelineRecord[],
  device: NullGpu,
  workgroups: number | undefined,
): CompiledKernel[] {
  return records.map((record) => ({
    ...record,
    name: kernelName(one, record.label),
    threads: workgroupThreads(record.spirv),
    facts: factsOfLabel(record.label),
    workgroups,
    wgsl: device.wgsl.get(record.label),
  }));
}

/** Returns the kernel that computes attention. No pipeline has a label, and casts and copies have less code. */
function onnxKernel(
  { name, workload: { headDim }, tile }: OnnxCase,
  records: readonly PipelineRecord[],
): CompiledKernel {
  const bytes = ({ statistics }: PipelineRecord): number => statistics['Code size'] ?? 0;
  const record = records.toSorted((a, b) => bytes(b) - bytes(a))[0]!;
  const dims = { headDim, headDimV: headDim, isDecode: false };
  return {
    ...record,
    name,
    threads: workgroupThreads(record.spirv),
    facts: tile && { kind: 'forward', path: 'onnxruntime', ...dims, ...tile },
    workgroups: undefined,
    wgsl: undefined,
  };
}

/** Devices of different paths compile the same helpers again. */
function unique(kernels: readonly CompiledKernel[]): CompiledKernel[] {
  return kernels.filter(({ name }, i) => kernels.findIndex((one) => one.name === name) === i);
}
