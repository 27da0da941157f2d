import type { Tensor } from '@heed/core';
import type { AttentionOption } from './attention-option.ts';

/** A list of integers: on the host, where it is checked, or on the GPU, where kernels clamp it instead. */
export type Lengths = Int32Array | Tensor;

/** Lengths as the caller gives them. 64-bit lists, common in tokenizers and ONNX, are narrowed when the options are read. */
export type GivenLengths = Lengths | BigInt64Array;

export interface SeqUsedKOption {
  /** i32 [B]: only the first seqUsedK[b] keys take part; what lies beyond may hold anything. */
  readonly seqUsedK?: GivenLengths;
}

/** Each layout checks it against its own keys, and supplies its own lengths in a sample. */
export const seqUsedK: AttentionOption<GivenLengths | undefined> = { sample: () => undefined };
