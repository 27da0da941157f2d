import type { Tensor } from '@heed/core';
import type { AttentionOption } from './attention-option.ts';

/** An integer list from the host, which can be checked, or from the GPU, which kernels clamp instead. */
export type Lengths = Int32Array | Tensor;

/** Lengths as they may be given: 64-bit lists, which tokenizers and ONNX have, are narrowed when the options are read. */
export type GivenLengths = Lengths | BigInt64Array;

export interface SeqUsedKOption {
  /** i32 [B]: only the first seqUsedK[b] keys take part; what lies beyond may hold anything. */
  readonly seqUsedK?: GivenLengths;
}

/** Each layout checks it against its own keys, and has lengths of its own in a sample. */
export const seqUsedK: AttentionOption<GivenLengths | undefined> = { sample: () => undefined };
