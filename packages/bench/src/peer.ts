import type { Problem } from './inputs.ts';

/** A workload set up in one program: inputs on the GPU, everything ready to call. */
export interface Prepared {
  /** The call that is timed, in a few words. */
  readonly how: string;
  /** Computes attention once; resolves when the whole output is on the host. */
  readonly run: () => Promise<void>;
  /** The output of the latest run, token-major [T, headsQ, headDim]. */
  readonly result: () => Float32Array;
  readonly dispose: () => Promise<void>;
}

/** Why a program does not take part in a row. */
export interface Unsupported {
  readonly unsupported: string;
}

/** A program that computes attention on WebGPU. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Opens the program; resolves to the reason when it cannot run here. */
  available(): Promise<string | undefined>;
  /** The device it works on, where it tells: a call that fails there would otherwise only look fast. */
  device?(): GPUDevice;
  prepare(problem: Problem): Promise<Prepared | Unsupported>;
  close(): Promise<void>;
}
