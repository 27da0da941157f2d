import { fileURLToPath } from 'node:url';
import type { Unsupported } from '../peer.ts';
import { LineProcess } from './line-process.ts';
import type { CallTime, Loaded, Program } from './program.ts';

const script = fileURLToPath(new URL('../../python/torch_peer.py', import.meta.url));

/** What PyTorch says of itself. */
export interface TorchVersions {
  readonly torch: string;
  readonly device: string;
  readonly cuda: string;
}

/** What the card does at most, by PyTorch's own matrix product and copy. */
export interface TorchLimits {
  /** 10¹² operations a second of an f16 matrix product with f32 sums. */
  readonly teraflops: number;
  /** Rows and columns of its matrices. */
  readonly n: number;
  /** 10⁹ bytes a second, those read and those written. */
  readonly gigabytes: number;
}

/** PyTorch in a process of its own, on the same card. */
export interface Torch extends Program {
  readonly versions: TorchVersions;
  limits(): Promise<TorchLimits>;
  close(): void;
}

/** How to start it. */
export interface TorchOptions {
  readonly python: string;
  /** `cpu` is for tests of the script itself. */
  readonly device?: 'cuda' | 'cpu';
  /** In place of the repository's script; default its own. */
  readonly script?: string;
}

const minute = 60_000;
// torch.compile builds a kernel on the way.
const patience = { hello: 2 * minute, load: 5 * minute, rest: 2 * minute };

interface LoadAnswer {
  readonly how: string;
  /** Little-endian f32 in base64. */
  readonly samples: readonly string[];
}

/** Starts PyTorch. Rejects with the reason why it is not here: no Python, no torch, no CUDA. */
export async function openTorch(options: TorchOptions): Promise<Torch> {
  const line = new LineProcess(options.python, [
    options.script ?? script,
    options.device ?? 'cuda',
  ]);
  try {
    const versions = await line.ask<TorchVersions>({ op: 'hello' }, patience.hello);
    return {
      name: 'PyTorch',
      versions,
      limits: () => line.ask<TorchLimits>({ op: 'limits' }, patience.rest),
      load: (boxCase, probes) => load(line, { op: 'load', case: boxCase, probes }),
      close: () => line.close(),
    };
  } catch (error) {
    line.close();
    throw error;
  }
}

async function load(line: LineProcess, question: object): Promise<Loaded | Unsupported> {
  const answer = await line.ask<LoadAnswer | Unsupported>(question, patience.load);
  if ('unsupported' in answer) return answer;
  return {
    how: answer.how,
    samples: answer.samples.map(floats),
    time: (calls) => line.ask<CallTime>({ op: 'time', calls }, patience.rest),
    dispose: async () => void (await line.ask({ op: 'release' }, patience.rest)),
  };
}

function floats(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}
