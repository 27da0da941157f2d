// combine splits dv=64 part=f32 out=f16 read=vec4 write=vec4

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

// 0 for masked scores. Clamped, since adapters disagree on exp2 of what is far below the range.
fn softmax_weight(score: f32, row_max: f32) -> f32 {
  return select(0.0, exp2(max((score - row_max) * LOG2_E, -150.0)), score > SEEN);
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
    let at = params.lse_offset + outer * params.lse_outer + head * params.lse_head + row * params.lse_row;
    store_state(state, at);
    if (params.max_plane != 0u) {
      var key_max = MASKED;
      for (var i = 0u; i < params.parts; i++) {
        let bits = part_lse[part_lse_row + i * params.part_lse_step + params.part_max_plane];
        key_max = max(key_max, select(bitcast<f32>(bits), MASKED, bits == NEGATIVE_INFINITY_BITS));
      }
      lse[at + params.max_plane] = select(NEGATIVE_INFINITY_BITS, bitcast<u32>(key_max), key_max > SEEN);
    }
  }
}
