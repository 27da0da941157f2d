import { wgsl } from '@heed/core/kernel';
import type { KernelPart } from './kernel-parts.ts';
import type { KeyKind, LengthKind } from './kinds.ts';
import { u32Fields } from './params.ts';
import { rowLayouts } from './row-layouts.wgsl.ts';

/**
 * Lengths: the rows of each sequence. The host cannot check values on the GPU, so each is clamped here to the size of the
 * tensors, and later code can rely on every length.
 */
export function lengthsPart(lengths: LengthKind, keys: KeyKind): KernelPart {
  const fields = u32Fields('batch', 'seqlen_q', 'seqlen_k', 'cu_q', 'cu_k', 'used_k');
  const text = wgsl`
    struct Sequence {
      index: u32,
      q_row: u32,
      q_len: u32,
      k_row: u32,
      k_len: u32,
    }

    fn clamp_length(length: i32, most: u32) -> u32 {
      return u32(clamp(length, 0, i32(most)));
    }

    fn used_length(b: u32, slot: u32) -> u32 {
      if (params.used_k == NONE) {
        return slot;
      }
      return clamp_length(metadata[params.used_k + b], slot);
    }

    ${rowLayouts[lengths].sequences(keys)}
  `;
  return { fields, text };
}
