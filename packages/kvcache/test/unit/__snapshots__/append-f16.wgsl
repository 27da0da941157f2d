// heed/append f16

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

struct Params {
  k: Rows,
  v: Rows,
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
@group(0) @binding(5) var<uniform> params: Params;

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

const NO_SLOT = 0xffffffffu;

// The slot of a token. As u32, a negative slot is beyond every pool.
fn slot_of(token: u32) -> u32 {
  if (token >= params.tokens) {
    return NO_SLOT;
  }
  let slot = u32(slots[params.slots_start + token * params.slots_step]);
  return select(NO_SLOT, slot, slot < params.capacity);
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

fn k_row(slot: u32, head: u32) -> u32 {
  let row = slot % params.page_size * params.heads + head;
  return slot / params.page_size * params.k.page + row * params.k.words;
}

fn v_row(slot: u32, head: u32) -> u32 {
  let row = slot % params.page_size * params.heads + head;
  return slot / params.page_size * params.v.page + row * params.v.words;
}

fn append_k(thread: u32) {
  let word = thread % params.k.words;
  let head = thread / params.k.words % params.heads;
  let token = thread / params.k.words / params.heads;
  let slot = slot_of(token);
  if (slot == NO_SLOT) {
    return;
  }
  let row = params.k.start + token * params.k.token + head * params.k.head;
  let target_word = k_row(slot, head) + word;
  let d = 2u * word;
  let next = d + 1u;
  var high = 0.0;
  if (next < params.k.dim) {
    high = k_element(row + next * params.k.element);
  }
  k_pool[target_word] = pack_f16(k_element(row + d * params.k.element), high);
}

fn append_v(thread: u32) {
  let word = thread % params.v.words;
  let head = thread / params.v.words % params.heads;
  let token = thread / params.v.words / params.heads;
  let slot = slot_of(token);
  if (slot == NO_SLOT) {
    return;
  }
  let row = params.v.start + token * params.v.token + head * params.v.head;
  let target_word = v_row(slot, head) + word;
  let d = 2u * word;
  let next = d + 1u;
  var high = 0.0;
  if (next < params.v.dim) {
    high = v_element(row + next * params.v.element);
  }
  v_pool[target_word] = pack_f16(v_element(row + d * params.v.element), high);
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
