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
  for (var first = 0u; first < params.parts; first += 8u) {
    let part0 = first;
    let lse0 = part_lse_row + part0 * params.part_lse_step;
    let value0 = read_part(part_row + part0 * params.part_step, d);
    let score0 = bitcast<f32>(part_lse[lse0 + params.part_lse_plane]);
    let sum0 = bitcast<f32>(part_lse[lse0 + 2u * params.part_lse_plane]);
    let part1 = min(first + 1u, params.parts - 1u);
    let lse1 = part_lse_row + part1 * params.part_lse_step;
    let value1 = read_part(part_row + part1 * params.part_step, d);
    let score1 = select(MASKED, bitcast<f32>(part_lse[lse1 + params.part_lse_plane]), first + 1u < params.parts);
    let sum1 = bitcast<f32>(part_lse[lse1 + 2u * params.part_lse_plane]);
    let part2 = min(first + 2u, params.parts - 1u);
    let lse2 = part_lse_row + part2 * params.part_lse_step;
    let value2 = read_part(part_row + part2 * params.part_step, d);
    let score2 = select(MASKED, bitcast<f32>(part_lse[lse2 + params.part_lse_plane]), first + 2u < params.parts);
    let sum2 = bitcast<f32>(part_lse[lse2 + 2u * params.part_lse_plane]);
    let part3 = min(first + 3u, params.parts - 1u);
    let lse3 = part_lse_row + part3 * params.part_lse_step;
    let value3 = read_part(part_row + part3 * params.part_step, d);
    let score3 = select(MASKED, bitcast<f32>(part_lse[lse3 + params.part_lse_plane]), first + 3u < params.parts);
    let sum3 = bitcast<f32>(part_lse[lse3 + 2u * params.part_lse_plane]);
    let part4 = min(first + 4u, params.parts - 1u);
    let lse4 = part_lse_row + part4 * params.part_lse_step;
    let value4 = read_part(part_row + part4 * params.part_step, d);
    let score4 = select(MASKED, bitcast<f32>(part_lse[lse4 + params.part_lse_plane]), first + 4u < params.parts);
    let sum4 = bitcast<f32>(part_lse[lse4 + 2u * params.part_lse_plane]);
    let part5 = min(first + 5u, params.parts - 1u);
    let lse5 = part_lse_row + part5 * params.part_lse_step;
    let value5 = read_part(part_row + part5 * params.part_step, d);
    let score5 = select(MASKED, bitcast<f32>(part_lse[lse5 + params.part_lse_plane]), first + 5u < params.parts);
    let sum5 = bitcast<f32>(part_lse[lse5 + 2u * params.part_lse_plane]);
    let part6 = min(first + 6u, params.parts - 1u);
    let lse6 = part_lse_row + part6 * params.part_lse_step;
    let value6 = read_part(part_row + part6 * params.part_step, d);
    let score6 = select(MASKED, bitcast<f32>(part_lse[lse6 + params.part_lse_plane]), first + 6u < params.parts);
    let sum6 = bitcast<f32>(part_lse[lse6 + 2u * params.part_lse_plane]);
    let part7 = min(first + 7u, params.parts - 1u);
    let lse7 = part_lse_row + part7 * params.part_lse_step;
    let value7 = read_part(part_row + part7 * params.part_step, d);
    let score7 = select(MASKED, bitcast<f32>(part_lse[lse7 + params.part_lse_plane]), first + 7u < params.parts);
    let sum7 = bitcast<f32>(part_lse[lse7 + 2u * params.part_lse_plane]);
    {
      acc *= softmax_rescale(&state, score0);
      let weight = softmax_weight(score0, state.row_max) * sum0;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value0, weight > 0.0);
    }
    {
      acc *= softmax_rescale(&state, score1);
      let weight = softmax_weight(score1, state.row_max) * sum1;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value1, weight > 0.0);
    }
    {
      acc *= softmax_rescale(&state, score2);
      let weight = softmax_weight(score2, state.row_max) * sum2;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value2, weight > 0.0);
    }
    {
      acc *= softmax_rescale(&state, score3);
      let weight = softmax_weight(score3, state.row_max) * sum3;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value3, weight > 0.0);
    }
    {
      acc *= softmax_rescale(&state, score4);
      let weight = softmax_weight(score4, state.row_max) * sum4;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value4, weight > 0.0);
    }
    {
      acc *= softmax_rescale(&state, score5);
      let weight = softmax_weight(score5, state.row_max) * sum5;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value5, weight > 0.0);
    }
    {
      acc *= softmax_rescale(&state, score6);
      let weight = softmax_weight(score6, state.row_max) * sum6;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value6, weight > 0.0);
    }
    {
      acc *= softmax_rescale(&state, score7);
      let weight = softmax_weight(score7, state.row_max) * sum7;
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value7, weight > 0.0);
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
