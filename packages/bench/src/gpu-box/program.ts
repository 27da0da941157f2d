import type { Unsupported } from '../peer.ts';
import type { BoxCase } from './case.ts';
import type { Probe } from './probe.ts';

/** Milliseconds of one call. */
export interface CallTime {
  /** Wall time of some calls until all are done, over their number. */
  readonly ms: number;
  /** The same by the GPU's own clock, where there is one. */
  readonly gpuMs?: number;
}

/** A case set up in one program. */
export interface Loaded {
  /** The call that is timed, in a few words. */
  readonly how: string;
  /** What each probe found, in the first run. */
  readonly samples: readonly ArrayLike<number>[];
  /** Calls so many times, one behind the other, and waits for the last. */
  readonly time: (calls: number) => Promise<CallTime>;
  readonly dispose: () => Promise<void>;
}

/** A program on the card. */
export interface Program {
  readonly name: string;
  load(boxCase: BoxCase, probes: readonly Probe[]): Promise<Loaded | Unsupported>;
}
