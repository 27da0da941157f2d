import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Unsupported } from '../measure/bench-problem.ts';
import type { CallTime, Loaded, Program } from './box-probes.ts';

const script = fileURLToPath(new URL('../../python/torch_peer.py', import.meta.url));

/** The versions that PyTorch reports. */
export interface TorchVersions {
  readonly torch: string;
  readonly device: string;
  readonly cuda: string;
}

/** Limits of the card, by PyTorch's matrix product and copy. */
export interface TorchLimits {
  /** 10¹² operations per second of an f16 matrix product with f32 sums. */
  readonly teraflops: number;
  /** Rows and columns of its matrices. */
  readonly n: number;
  /** 10⁹ bytes per second, read and written. */
  readonly gigabytes: number;
}

/** PyTorch in another process, on the same card. */
export interface Torch extends Program {
  readonly versions: TorchVersions;
  limits(): Promise<TorchLimits>;
  close(): void;
}

/** How to start PyTorch. */
interface TorchOptions {
  readonly python: string;
  /** `cpu` is for tests of the script itself. */
  readonly device?: 'cuda' | 'cpu';
  /** Path of the script; default: the repository's. */
  readonly script?: string;
}

const minute = 60_000;
// The first call of torch.compile builds a kernel.
const patience = { hello: 2 * minute, load: 5 * minute, rest: 2 * minute };

interface LoadAnswer {
  readonly how: string;
  /** Little-endian f32 in base64. */
  readonly samples: readonly string[];
}

/** Starts PyTorch. Rejects with the reason if that fails: no Python, no torch, no CUDA. */
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

/** An answer, or the reason of a failure. */
type Answer<T> = T | { readonly error: string };

interface Waiting {
  readonly resolve: (answer: object) => void;
  readonly reject: (error: Error) => void;
}

const complained = 2000;

/**
 * A process that answers requests: one JSON object per line in each direction, in order. Its standard error is kept for the message
 * when it ends.
 */
export class LineProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: Waiting[] = [];
  #complaint = '';
  #ended: Error | undefined;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, [...args], { stdio: 'pipe' });
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#complaint = (this.#complaint + String(text)).slice(-complained);
    });
    // A write to a process that has ended also fails here; `close` has the reason.
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', (error) => this.#end(new Error(`${command}: ${error.message}`)));
    this.#child.on('close', (code, signal) => {
      const last = this.#complaint.trim().split('\n').at(-1) ?? '';
      this.#end(
        new Error(`${command} ended (${signal ?? `exit status ${code}`})${last && `: ${last}`}`),
      );
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#heard(line));
  }

  /** Sends a request; resolves to the answer. Rejects if the process reports a failure, ends, or exceeds the time limit. */
  async ask<T extends object>(question: object, timeoutMs: number): Promise<T> {
    if (this.#ended) throw this.#ended;
    const { promise, ...waiting } = Promise.withResolvers<object>();
    this.#waiting.push(waiting);
    const timer = setTimeout(() => {
      this.#end(new Error(`no answer in ${timeoutMs / 1000} s`));
      this.close();
    }, timeoutMs);
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    try {
      const answer = (await promise) as Answer<T>;
      if ('error' in answer) throw new Error(answer.error);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the process. */
  close(): void {
    this.#child.kill('SIGKILL');
  }

  #heard(line: string): void {
    const next = this.#waiting.shift();
    try {
      next?.resolve(JSON.parse(line) as object);
    } catch {
      next?.reject(new Error(`not an answer: ${line.slice(0, 200)}`));
    }
  }

  #end(why: Error): void {
    this.#ended ??= why;
    for (const { reject } of this.#waiting.splice(0)) reject(why);
  }
}
