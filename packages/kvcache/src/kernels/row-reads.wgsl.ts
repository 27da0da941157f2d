import { wgsl } from '@heed/core/kernel';

/** Layout of a [tokens, heads, dim] tensor; `bindRows` gives the values. */
export const rowsStruct: string = wgsl`
  // A [tokens, heads, dim] tensor: its start and its strides, in elements.
  struct Rows {
    start: u32,
    token: u32,
    head: u32,
    element: u32,
    dim: u32,
    // 0: f32, 1: f16, 2: bf16.
    type_of: u32,
    // Words of a row at its destination.
    words: u32,
    // Words from a page to the next, where the destination has pages.
    page: u32,
  }
`;

/** The number in `type_of` of each type. */
export const typeNumbers: Readonly<Record<string, number>> = { f32: 0, f16: 1, bf16: 2 };

/** `<name>_element(at)`: an element, as f32, of a tensor that is bound as words. Unpacking needs no device feature. */
export const elementWgsl = (name: string, typeOf: string): string => wgsl`
  fn ${name}_element(at: u32) -> f32 {
    if (${typeOf} == ${typeNumbers['f32']}u) {
      return bitcast<f32>(${name}[at]);
    }
    let half = ${name}[at / 2u] >> (at % 2u * 16u);
    if (${typeOf} == ${typeNumbers['bf16']}u) {
      return bitcast<f32>(half << 16u);
    }
    return unpack2x16float(half).x;
  }
`;

export const rotaryStruct: string = wgsl`
  // Tables [positions, pairs] of cosines and sines, and the position of each token.
  struct Rotary {
    cos_start: u32,
    cos_row: u32,
    cos_element: u32,
    sin_start: u32,
    sin_row: u32,
    sin_element: u32,
    type_of: u32,
    pairs: u32,
    is_interleaved: u32,
    last_position: u32,
    positions_start: u32,
    positions_step: u32,
  }
`;

/** Three bindings, from number `first` on. */
export const rotaryBindings = (first: number): string => wgsl`
  @group(0) @binding(${first}) var<storage, read> cosines: array<u32>;
  @group(0) @binding(${first + 1}) var<storage, read> sines: array<u32>;
  @group(0) @binding(${first + 2}) var<storage, read> positions: array<i32>;
`;

/**
 * `position_of(token)`, clamped to the tables, and `<name>_rotated(row, d, position)`: element d of the row at element offset
 * `row`, rotated by the angle of its pair. The pairs of the first 2 · pairs elements are (2i, 2i + 1) when interleaved, else
 * (i, i + pairs); later elements are unchanged.
 */
export const rotaryWgsl = (name: string): string => wgsl`
  ${elementWgsl('cosines', 'params.rotary.type_of')}

  ${elementWgsl('sines', 'params.rotary.type_of')}

  fn position_of(token: u32) -> u32 {
    let position = positions[params.rotary.positions_start + token * params.rotary.positions_step];
    return u32(clamp(position, 0, i32(params.rotary.last_position)));
  }

  fn ${name}_rotated(row: u32, d: u32, position: u32) -> f32 {
    let x = ${name}_element(row + d * params.${name}.element);
    let pairs = params.rotary.pairs;
    if (d >= 2u * pairs) {
      return x;
    }
    var is_first = d < pairs;
    var pair = d % pairs;
    var other = select(d - pairs, d + pairs, is_first);
    if (params.rotary.is_interleaved != 0u) {
      is_first = d % 2u == 0u;
      pair = d / 2u;
      other = d ^ 1u;
    }
    let y = ${name}_element(row + other * params.${name}.element);
    let cosine = cosines_element(params.rotary.cos_start + position * params.rotary.cos_row + pair * params.rotary.cos_element);
    let sine = sines_element(params.rotary.sin_start + position * params.rotary.sin_row + pair * params.rotary.sin_element);
    return x * cosine + y * select(sine, -sine, is_first);
  }
`;

/** Body of a kernel that handles both pools in one dispatch: keys in workgroups with z = 0, values in those with z = 1. */
export const eachPool = (call: (x: 'k' | 'v') => string): string => wgsl`
  if (workgroup.z == 0u) {
    ${call('k')};
  } else {
    ${call('v')};
  }
`;
