// heed/append int4 rotary

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
  k: Rows,
  v: Rows,
  rotary: Rotary,
  tokens: u32,
  heads: u32,
  // Slots of the pools.
  capacity: u32,
  page_size: u32,
  slots_start: u32,
  slots_step: u32,
}

@group(0) @binding(0) var<storage, read> k: array<u32>;
@group(0) @binding(1) var<storage, read> v: array<u32>;
@group(0) @binding(2) var<storage, read> slots: array<i32>;
@group(0) @binding(3) var<storage, read_write> k_pool: array<u32>;
@group(0) @binding(4) var<storage, read_write> v_pool: array<u32>;
@group(0) @binding(5) var<storage, read> cosines: array<u32>;
@group(0) @binding(6) var<storage, read> sines: array<u32>;
@group(0) @binding(7) var<storage, read> positions: array<i32>;
@group(0) @binding(8) var<uniform> params: Params;

fn k_element(at: u32) -> f32 {
  if (params.k.type_of == 0u) {
    return bitcast<f32>(k[at]);
  }
  let half = k[at / 2u] >> (at % 2u * 16u);
  if (params.k.type_of == 2u) {
    return bitcast<f32>(half << 16u);
  }
  return unpack2x16float(half).x;
}

fn v_element(at: u32) -> f32 {
  if (params.v.type_of == 0u) {
    return bitcast<f32>(v[at]);
  }
  let half = v[at / 2u] >> (at % 2u * 16u);
  if (params.v.type_of == 2u) {
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

fn k_rotated(row: u32, d: u32, position: u32) -> f32 {
  let x = k_element(row + d * params.k.element);
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
  let y = k_element(row + other * params.k.element);
  let cosine = cosines_element(params.rotary.cos_start + position * params.rotary.cos_row + pair * params.rotary.cos_element);
  let sine = sines_element(params.rotary.sin_start + position * params.rotary.sin_row + pair * params.rotary.sin_element);
  return x * cosine + y * select(sine, -sine, is_first);
}

const NO_SLOT = 0xffffffffu;

// The slot of a token. As u32, a negative slot is beyond every pool.
fn slot_of(token: u32) -> u32 {
  if (token >= params.tokens) {
    return NO_SLOT;
  }
  let slot = u32(slots[params.slots_start + token * params.slots_step]);
  return select(NO_SLOT, slot, slot < params.capacity);
}

const LANES = 16u;
const NAN = 0x7fc00000u;

// Bits of the largest magnitude that each thread has read. They have the order of the numbers, with NaN as the largest.
var<workgroup> largest_of: array<u32, 64>;

const LARGEST_INT4 = 7.0;

// Bits of the scale: 0 if it would be subnormal (a row of zeros, for one), NaN if an element is not finite.
fn scale_int4(largest: u32) -> u32 {
  if (largest >= 0x7f800000u) {
    return NAN;
  }
  let scale = bitcast<u32>(bitcast<f32>(largest) / LARGEST_INT4);
  return select(scale, 0u, scale < 0x00800000u);
}

fn round_int4(x: f32, scale: f32) -> u32 {
  return bitcast<u32>(i32(clamp(round(x / scale), -LARGEST_INT4, LARGEST_INT4))) & 15u;
}

fn k_row(slot: u32, head: u32) -> u32 {
  let row = slot % params.page_size * params.heads + head;
  return slot / params.page_size * params.k.page + row * params.k.words;
}

fn v_row(slot: u32, head: u32) -> u32 {
  let row = slot % params.page_size * params.heads + head;
  return slot / params.page_size * params.v.page + row * params.v.words;
}

fn append_k(thread: u32) {
  let lane = thread % 64u;
  let first = thread % LANES;
  let head = thread / LANES % params.heads;
  let token = thread / LANES / params.heads;
  let slot = slot_of(token);
  let row = params.k.start + token * params.k.token + head * params.k.head;
  let position = position_of(token);
  var largest = 0u;
  if (slot != NO_SLOT) {
    for (var d = first; d < params.k.dim; d += LANES) {
      largest = max(largest, bitcast<u32>(k_rotated(row, d, position)) & 0x7fffffffu);
    }
  }
  largest_of[lane] = largest;
  workgroupBarrier();
  if (slot == NO_SLOT) {
    return;
  }
  for (var i = 0u; i < LANES; i++) {
    largest = max(largest, largest_of[lane - first + i]);
  }
  let scale = scale_int4(largest);
  let is_number = (scale != 0u) & (scale != NAN);
  let target_row = k_row(slot, head);
  if (first == 0u) {
    k_pool[target_row] = scale;
  }
  for (var word = first; word + 1u < params.k.words; word += LANES) {
    var integers = 0u;
    for (var i = 0u; i < 8u; i++) {
      let d = word * 8u + i;
      if ((d < params.k.dim) & is_number) {
        integers |= round_int4(k_rotated(row, d, position), bitcast<f32>(scale)) << (i * 4u);
      }
    }
    k_pool[target_row + 1u + word] = integers;
  }
}

fn append_v(thread: u32) {
  let lane = thread % 64u;
  let first = thread % LANES;
  let head = thread / LANES % params.heads;
  let token = thread / LANES / params.heads;
  let slot = slot_of(token);
  let row = params.v.start + token * params.v.token + head * params.v.head;
  var largest = 0u;
  if (slot != NO_SLOT) {
    for (var d = first; d < params.v.dim; d += LANES) {
      largest = max(largest, bitcast<u32>(v_element(row + d * params.v.element)) & 0x7fffffffu);
    }
  }
  largest_of[lane] = largest;
  workgroupBarrier();
  if (slot == NO_SLOT) {
    return;
  }
  for (var i = 0u; i < LANES; i++) {
    largest = max(largest, largest_of[lane - first + i]);
  }
  let scale = scale_int4(largest);
  let is_number = (scale != 0u) & (scale != NAN);
  let target_row = v_row(slot, head);
  if (first == 0u) {
    v_pool[target_row] = scale;
  }
  for (var word = first; word + 1u < params.v.words; word += LANES) {
    var integers = 0u;
    for (var i = 0u; i < 8u; i++) {
      let d = word * 8u + i;
      if ((d < params.v.dim) & is_number) {
        integers |= round_int4(v_element(row + d * params.v.element), bitcast<f32>(scale)) << (i * 4u);
      }
    }
    v_pool[target_row + 1u + word] = integers;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (workgroup.z == 0u) {
    append_k(thread);
  } else {
    append_v(thread);
  }
}
