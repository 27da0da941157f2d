import { wgsl } from '@heed/core/kernel';

/** `<name>_element(at)`: an element of a tensor bound as words, as f32. f16 is unpacked, which needs no device feature. */
export const elementWgsl = (name: string, isHalf: string): string => wgsl`
  fn ${name}_element(at: u32) -> f32 {
    if (${isHalf} == 0u) {
      return bitcast<f32>(${name}[at]);
    }
    let pair = unpack2x16float(${name}[at / 2u]);
    return select(pair.x, pair.y, at % 2u == 1u);
  }
`;
