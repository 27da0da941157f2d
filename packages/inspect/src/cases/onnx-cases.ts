import { type Peer, type Problem, onnxruntimePeer, type Workload } from '@heed/bench';

/** A call of onnxruntime whose kernels are compiled beside heed's. */
export interface OnnxCase {
  readonly name: string;
  readonly workload: Workload;
  /** Query rows and keys per turn of its kernel's loop, as its WGSL has them; undefined if it has several kernels. */
  readonly tile?: { readonly rows: number; readonly keys: number };
}

const workload = (
  dtype: 'f32' | 'f16',
  headDim: number,
  seqlenQ: number,
  seqlenK: number,
): Workload => ({
  id: 'inspect',
  title: 'inspect',
  layout: 'dense',
  dtype,
  causal: true,
  headsQ: 8,
  headsKv: 2,
  headDim,
  sequences: [{ seqlenQ, seqlenK }],
});

// One workgroup has 64 query rows; a turn of its loop has 16 keys, half as many where rows are long.
const tile = { rows: 64, keys: 16 };

/** Lengths matter only where onnxruntime chooses another kernel by them. */
export const onnxCases: readonly OnnxCase[] = [
  { name: 'onnxruntime forward f32 D64', workload: workload('f32', 64, 1024, 1024), tile },
  { name: 'onnxruntime forward f32 D128', workload: workload('f32', 128, 1024, 1024), tile },
  { name: 'onnxruntime forward f16 D64', workload: workload('f16', 64, 1024, 1024), tile },
  { name: 'onnxruntime forward f16 D128', workload: workload('f16', 128, 1024, 1024), tile },
  { name: 'onnxruntime forward f16 D256', workload: workload('f16', 256, 1024, 1024), tile },
  { name: 'onnxruntime decode f32 D128', workload: workload('f32', 128, 1, 8193) },
  { name: 'onnxruntime decode f16 D64', workload: workload('f16', 64, 1, 8193) },
  { name: 'onnxruntime decode f16 D128', workload: workload('f16', 128, 1, 8193) },
];

let peer: Promise<Peer> | undefined;

/** Runs a case once, on onnxruntime's own device. All cases share it, so a process has one family. */
export async function runOnnxCase({ name, workload: of }: OnnxCase): Promise<void> {
  peer ??= openPeer();
  const prepared = await (await peer).prepare(zeros(of));
  if ('unsupported' in prepared) throw new Error(`${name}: ${prepared.unsupported}`);
  await prepared.run();
  await prepared.dispose();
}

async function openPeer(): Promise<Peer> {
  const opened = onnxruntimePeer();
  const reason = await opened.available();
  if (reason !== undefined) throw new Error(reason);
  return opened;
}

function zeros(of: Workload): Problem {
  const [{ seqlenQ, seqlenK }] = of.sequences as [Workload['sequences'][0]];
  const rows = (tokens: number, heads: number): Float32Array =>
    new Float32Array(tokens * heads * of.headDim);
  const keys = rows(seqlenK, of.headsKv);
  return { workload: of, q: rows(seqlenQ, of.headsQ), k: keys, v: keys };
}
