// combine states dv=64 part=f32 out=f32 read=vec4 write=vec4

@group(0) @binding(0) var<storage, read> part: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> part_lse: array<u32>;
@group(0) @binding(2) var<storage, read> other: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> other_lse: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> lse: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

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
    let state_at = part_lse_row + i * params.part_lse_step;
    let score = bitcast<f32>(part_lse[state_at + params.part_lse_plane]);
    acc *= softmax_rescale(&state, score);
    let weight = softmax_weight(score, state.row_max) * bitcast<f32>(part_lse[state_at + 2u * params.part_lse_plane]);
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
