// combine splits dv=64 part=f32 out=f16 read=vec4 write=vec4

struct Params {
  state_plane: u32,
  threads: u32,
  parts: u32,
  heads: u32,
  rows: u32,
  write_lse: u32,
  part_offset: u32,
  part_step: u32,
  part_outer: u32,
  part_head: u32,
  part_row: u32,
  part_lse_offset: u32,
  part_lse_step: u32,
  part_lse_outer: u32,
  part_lse_head: u32,
  part_lse_row: u32,
  out_offset: u32,
  out_outer: u32,
  out_head: u32,
  out_row: u32,
  lse_offset: u32,
  lse_outer: u32,
  lse_head: u32,
  lse_row: u32,
}

@group(0) @binding(0) var<storage, read> part: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> part_lse: array<u32>;
@group(0) @binding(2) var<storage, read> other: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> other_lse: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> lse: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

fn read_part(row: u32, d: u32) -> vec4<f32> {
  return part[(row + d) / 4u];
}

// f32 to f16 bits, round to nearest even.
fn round_f16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return sign | 0x7e00u;
  }
  if (magnitude >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (magnitude < 0x38800000u) {
    // A subnormal half: the mantissa, hidden bit included, in units of 2^-24.
    let shift = min(126u - (magnitude >> 23u), 31u);
    let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    let kept = mantissa >> shift;
    let rest = mantissa - (kept << shift);
    let half = 1u << (shift - 1u);
    let up = rest > half || (rest == half && (kept & 1u) == 1u);
    return sign | (kept + select(0u, 1u, up));
  }
  let rebased = magnitude - 0x38000000u;
  return sign | ((rebased + 0xfffu + ((rebased >> 13u) & 1u)) >> 13u);
}

fn pack_f16(low: f32, high: f32) -> u32 {
  return round_f16(low) | (round_f16(high) << 16u);
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = vec2<u32>(pack_f16(x.x, x.y), pack_f16(x.z, x.w));
}

const LOG2_E = 1.4426950408889634;
const LN_2 = 0.6931471805599453;
const MASKED = -3.0e38;
// Anything at or below counts as masked.
const SEEN = -1.0e30;
// The largest that a hook can make of a score: what is above would overflow in the change of base, and hide its pair.
const HIGHEST = 1.0e38;
const NEGATIVE_INFINITY_BITS = 0xff800000u;

struct Softmax {
  row_max: f32,
  row_sum: f32,
}

fn softmax_init() -> Softmax {
  return Softmax(MASKED, 0.0);
}

// 0 for masked scores. Clamped, since adapters disagree on exp2 of what is far below the range.
fn softmax_weight(score: f32, row_max: f32) -> f32 {
  return select(0.0, exp2(max((score - row_max) * LOG2_E, -150.0)), score > SEEN);
}

// Takes in a tile's maximum; returns what earlier sums and accumulators must be multiplied by.
fn softmax_rescale(state: ptr<function, Softmax>, tile_max: f32) -> f32 {
  let row_max = max((*state).row_max, tile_max);
  let factor = softmax_weight((*state).row_max, row_max);
  (*state).row_max = row_max;
  (*state).row_sum *= factor;
  return factor;
}

// An extra logit that has no value row: it only enlarges the sum. Returns the factor for the accumulator.
fn softmax_sink(state: ptr<function, Softmax>, logit: f32) -> f32 {
  let factor = softmax_rescale(state, logit);
  (*state).row_sum += softmax_weight(logit, (*state).row_max);
  return factor;
}

// What the accumulator is multiplied by in the end; an empty row becomes 0.
fn softmax_norm(state: Softmax) -> f32 {
  return select(0.0, 1.0 / max(state.row_sum, 1.0e-37), state.row_sum > 0.0);
}

// Natural log of the sum of exp of the natural scores, as bits.
fn softmax_lse_bits(state: Softmax) -> u32 {
  let lse = state.row_max + log2(max(state.row_sum, 1.0e-37)) * LN_2;
  return select(NEGATIVE_INFINITY_BITS, bitcast<u32>(lse), state.row_sum > 0.0);
}

// A score from the bits of a natural one, −∞ becoming MASKED.
fn softmax_score(bits: u32) -> f32 {
  return select(max(bitcast<f32>(bits), MASKED), MASKED, bits == NEGATIVE_INFINITY_BITS);
}

fn store_state(state: Softmax, at: u32) {
  lse[at] = softmax_lse_bits(state);
  if (params.state_plane != 0u) {
    lse[at + params.state_plane] = bitcast<u32>(state.row_max);
    lse[at + 2u * params.state_plane] = bitcast<u32>(state.row_sum);
  }
}

const V_VECS = 16u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (thread >= params.threads) {
    return;
  }
  let d = thread % V_VECS * 4u;
  let row = thread / V_VECS % params.rows;
  let head = thread / V_VECS / params.rows % params.heads;
  let outer = thread / V_VECS / params.rows / params.heads;

  var state = softmax_init();
  var acc = vec4<f32>();
  let part_row = params.part_offset + outer * params.part_outer + head * params.part_head + row * params.part_row;
  let part_lse_row = params.part_lse_offset + outer * params.part_lse_outer + head * params.part_lse_head + row * params.part_lse_row;
  for (var i = 0u; i < params.parts; i++) {
    let score = softmax_score(part_lse[part_lse_row + i * params.part_lse_step]);
    acc *= softmax_rescale(&state, score);
    let weight = softmax_weight(score, state.row_max);
    state.row_sum += weight;
    if (weight > 0.0) {
      acc += weight * read_part(part_row + i * params.part_step, d);
    }
  }

  write_out(params.out_offset + outer * params.out_outer + head * params.out_head + row * params.out_row, d, acc * softmax_norm(state));
  if (d == 0u && params.write_lse != 0u) {
    store_state(state, params.lse_offset + outer * params.lse_outer + head * params.lse_head + row * params.lse_row);
  }
}
