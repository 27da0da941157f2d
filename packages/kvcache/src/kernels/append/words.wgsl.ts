import { roundF16, wgsl } from '@heed/core/kernel';
import type { ValueOf } from './append.wgsl.ts';

/** What storing as f32 or f16 needs. */
export const wordWgsl = (format: 'f32' | 'f16'): string | false => format === 'f16' && roundF16;

/** `append_<x>(thread)`: one thread per 32-bit word of the pool, so that no word has two writers. */
export const wordRows =
  (format: 'f32' | 'f16') =>
  (x: 'k' | 'v', valueOf: ValueOf, position: string | false): string =>
    wgsl`
    fn append_${x}(thread: u32) {
      let word = thread % params.${x}.words;
      let head = thread / params.${x}.words % params.heads;
      let token = thread / params.${x}.words / params.heads;
      let slot = slot_of(token);
      if (slot == NO_SLOT) {
        return;
      }
      let row = params.${x}.start + token * params.${x}.token + head * params.${x}.head;
      ${position}
      let target_word = (slot * params.heads + head) * params.${x}.words + word;
      ${format === 'f32' ? single(x, valueOf) : pair(x, valueOf)}
    }
  `;

const single = (x: string, valueOf: ValueOf): string =>
  `${x}_pool[target_word] = bitcast<u32>(${valueOf('word')});`;

const pair = (x: string, valueOf: ValueOf): string => wgsl`
  let d = 2u * word;
  let next = d + 1u;
  var high = 0.0;
  if (next < params.${x}.dim) {
    high = ${valueOf('next')};
  }
  ${x}_pool[target_word] = pack_f16(${valueOf('d')}, high);
`;
