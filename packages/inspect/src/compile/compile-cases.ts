import { CompileError, HeedError } from '@heed/core';
import { type CallCase, type KernelCase, planOfCase } from '../cases/kernel-case.ts';
import { type OnnxCase, runOnnxCase } from '../cases/onnx-cases.ts';
import { type NullDevice, type NullGpu, openNullGpu, recordPipelines } from '../device/null-gpu.ts';
import { type PipelineRecord, takeRecords, workgroupThreads } from '../device/pipeline-record.ts';
import { type CompiledKernel, kernelName, type RefusedCase } from './compiled-kernel.ts';
import { factsOfLabel } from './kernel-facts.ts';

/** The context of a run. */
export interface CompileContext {
  readonly signal?: AbortSignal;
  readonly progress?: (line: string) => void;
}

/** The result of a run over cases. The files of its kernels are removed when it is disposed. */
export interface Compiled extends Disposable {
  /** Name and version of the driver whose compiler it is. */
  readonly driver: string;
  readonly kernels: readonly CompiledKernel[];
  readonly refused: readonly RefusedCase[];
}

/** What a run has opened and compiled so far. */
interface Session {
  readonly wanted: NullDevice;
  readonly folder: string;
  /** The devices by their forced path, '' for heed's own choice. */
  readonly devices: Map<string, NullGpu>;
  /** heed's kernels by label. */
  readonly known: Map<string, PipelineRecord & Pick<CompiledKernel, 'wgsl'>>;
}

/**
 * Compiles the kernels of cases for a device. A case has its kernels even if an earlier one compiled the same; helpers appear once.
 * Rejects with the abort reason of `signal`.
 * @throws CompileError a kernel that the compiler refuses
 */
export async function compileCases(
  cases: readonly (KernelCase | CallCase | OnnxCase)[],
  wanted: NullDevice,
  { signal, progress }: CompileContext = {},
): Promise<Compiled> {
  using files = new DisposableStack();
  const { folder } = files.use(recordPipelines());
  const session: Session = { wanted, folder, devices: new Map(), known: new Map() };
  const { driver } = await deviceOf(session, '');
  const kernels: CompiledKernel[] = [];
  const refused: RefusedCase[] = [];
  for (const [i, one] of cases.entries()) {
    signal?.throwIfAborted();
    progress?.(`${i + 1}/${cases.length} ${one.name}`);
    try {
      kernels.push(...(await compileCase(session, one)));
    } catch (error) {
      if (!HeedError.is(error) || error instanceof CompileError) throw error;
      refused.push({ name: one.name, reason: error.message });
    }
  }
  const isFirst = ({ name }: CompiledKernel, i: number): boolean =>
    kernels.findIndex((one) => one.name === name) === i;
  const kept = files.move();
  return {
    driver,
    kernels: kernels.filter(isFirst),
    refused,
    [Symbol.dispose]: () => kept.dispose(),
  };
}

function compileCase(
  session: Session,
  one: KernelCase | CallCase | OnnxCase,
): Promise<CompiledKernel[]> {
  if ('workload' in one) return compileOnnx(session, one);
  return 'call' in one ? compileCall(session, one) : compileHeed(session, one);
}

async function deviceOf({ wanted, devices }: Session, path: string): Promise<NullGpu> {
  const device = devices.get(path) ?? (await openNullGpu(wanted, path));
  devices.set(path, device);
  return device;
}

/** Compiles the kernels of a call that no case compiled before. */
async function compileHeed(session: Session, one: KernelCase): Promise<CompiledKernel[]> {
  const device = await deviceOf(session, one.path ?? '');
  using plan = planOfCase(device.gpu, one);
  const description = plan.describe();
  const labels = description.split('\n').filter((line) => line.startsWith('heed/'));
  const { known } = session;
  if (labels.some((label) => !known.has(label))) {
    await plan.warmup();
    for (const record of takeRecords(session.folder)) {
      known.set(record.label, { ...record, wgsl: device.wgsl.get(record.label) });
    }
  }
  const workgroups = decodeWorkgroups(one, description);
  return labels.map((label) => {
    const record = known.get(label)!;
    const threads = workgroupThreads(record.spirv);
    return {
      ...record,
      name: kernelName(one, label),
      threads,
      facts: factsOfLabel(label),
      workgroups,
    };
  });
}

/** Runs a call that has no plan. Its kernels are named by their labels, and those that an earlier case compiled are left out. */
async function compileCall(session: Session, { name, call }: CallCase): Promise<CompiledKernel[]> {
  const { gpu, wgsl } = await deviceOf(session, '');
  call(gpu);
  await gpu.settled();
  return takeRecords(session.folder)
    .filter(({ label }) => label.startsWith('heed/') && !session.known.has(label))
    .map((record) => {
      const known = { ...record, wgsl: wgsl.get(record.label) };
      session.known.set(record.label, known);
      return {
        ...known,
        name: `${name}: ${record.label.replace(/^heed\//, '')}`,
        threads: workgroupThreads(record.spirv),
        facts: undefined,
        workgroups: undefined,
      };
    });
}

/** Returns the workgroups of a decode step of one position: kv heads × tiles × sequences × splits, as the plan describes them. */
function decodeWorkgroups({ problem }: KernelCase, description: string): number | undefined {
  if (!description.startsWith('decode')) return undefined;
  const splits = Number(/keys in (\d+) splits/.exec(description)?.[1] ?? 1);
  const rows = Number(/tiles of (\d+) ×/.exec(description)?.[1]);
  const { layout, q, k, sequences = 1 } = problem;
  const kvHeads = k[layout === 'paged' ? 2 : 1]!;
  const tiles = Math.ceil(q[1]! / kvHeads / rows);
  return splits * kvHeads * tiles * (layout === 'dense' ? k[0]! : sequences);
}

/** Runs a case of onnxruntime. Of its kernels, the one with the most code computes attention; no pipeline has a label. */
async function compileOnnx(session: Session, one: OnnxCase): Promise<CompiledKernel[]> {
  await runOnnxCase(one);
  const bytes = ({ statistics }: PipelineRecord): number => statistics['Code size'] ?? 0;
  const record = takeRecords(session.folder).toSorted((a, b) => bytes(b) - bytes(a))[0]!;
  const { headDim } = one.workload;
  const dims = { headDim, headDimV: headDim, isDecode: false, isApart: false };
  return [
    {
      ...record,
      name: one.name,
      threads: workgroupThreads(record.spirv),
      facts: one.tile && { kind: 'forward', path: 'onnxruntime', ...dims, ...one.tile },
      workgroups: undefined,
      wgsl: undefined,
    },
  ];
}
