// heed/rotate f16

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

struct Params {
  q: Rows,
  out: Rows,
  rotary: Rotary,
  tokens: u32,
  heads: u32,
}

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@group(0) @binding(2) var<storage, read> cosines: array<u32>;
@group(0) @binding(3) var<storage, read> sines: array<u32>;
@group(0) @binding(4) var<storage, read> positions: array<i32>;
@group(0) @binding(5) var<uniform> params: Params;

fn q_element(at: u32) -> f32 {
  if (params.q.type_of == 0u) {
    return bitcast<f32>(q[at]);
  }
  let half = q[at / 2u] >> (at % 2u * 16u);
  if (params.q.type_of == 2u) {
    return bitcast<f32>(half << 16u);
  }
  return unpack2x16float(half).x;
}

fn cosines_element(at: u32) -> f32 {
  if (params.rotary.type_of == 0u) {
    return bitcast<f32>(cosines[at]);
  }
  let half = cosines[at / 2u] >> (at % 2u * 16u);
  if (params.rotary.type_of == 2u) {
    return bitcast<f32>(half << 16u);
  }
  return unpack2x16float(half).x;
}

fn sines_element(at: u32) -> f32 {
  if (params.rotary.type_of == 0u) {
    return bitcast<f32>(sines[at]);
  }
  let half = sines[at / 2u] >> (at % 2u * 16u);
  if (params.rotary.type_of == 2u) {
    return bitcast<f32>(half << 16u);
  }
  return unpack2x16float(half).x;
}

fn position_of(token: u32) -> u32 {
  let position = positions[params.rotary.positions_start + token * params.rotary.positions_step];
  return u32(clamp(position, 0, i32(params.rotary.last_position)));
}

fn q_rotated(row: u32, d: u32, position: u32) -> f32 {
  let x = q_element(row + d * params.q.element);
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
  let y = q_element(row + other * params.q.element);
  let cosine = cosines_element(params.rotary.cos_start + position * params.rotary.cos_row + pair * params.rotary.cos_element);
  let sine = sines_element(params.rotary.sin_start + position * params.rotary.sin_row + pair * params.rotary.sin_element);
  return x * cosine + y * select(sine, -sine, is_first);
}

// f32 to f16 bits, round to nearest even.
fn round_f16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let magnitude = i32(bits & 0x7fffffffu);
  // The mantissa with its hidden bit; above it, by how much the exponent exceeds that of the smallest normal half.
  let value = u32(max((magnitude & 0x7fffff) | 0x800000, magnitude - 0x38000000));
  // The bits that a half does not have: 13, and more in a subnormal half, whose unit is 2^-24.
  let shift = u32(clamp(126 - (magnitude >> 23u), 13, 31));
  let even = (value >> shift) & 1u;
  let rounded = (value + (0x7fffffffu >> (32u - shift)) + even) >> shift;
  return ((bits >> 16u) & 0x8000u) | select(min(rounded, 0x7c00u), 0x7e00u, magnitude > 0x7f800000);
}

fn pack_f16(low: f32, high: f32) -> u32 {
  return round_f16(low) | (round_f16(high) << 16u);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  let word = thread % params.out.words;
  let head = thread / params.out.words % params.heads;
  let token = thread / params.out.words / params.heads;
  if (token >= params.tokens) {
    return;
  }
  let position = position_of(token);
  let row = params.q.start + token * params.q.token + head * params.q.head;
  let out_row = params.out.start + token * params.out.token + head * params.out.head;
  let d = 2u * word;
  let at = out_row / 2u + word;
  var high = out[at] & 0xffff0000u;
  if (d + 1u < params.q.dim) {
    high = round_f16(q_rotated(row, d + 1u, position)) << 16u;
  }
  out[at] = high | round_f16(q_rotated(row, d, position));
}
