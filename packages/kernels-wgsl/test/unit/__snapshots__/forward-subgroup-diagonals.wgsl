// q=f32 kv=f32 out=f32 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=distance+band | path=subgroup subgroupSize=4 rowsPerLane=1 keysPerLane=2 branches=false

fn diagonal_distance(row: Row, offset: i32) -> f32 {
  return bitcast<f32>(captures[params.distances + u32(clamp(offset, 0, params.distance_last))]);
}

fn score_distance(score: f32, row: Row, key: i32, diagonal: f32) -> f32 {
  return score + diagonal;
}

// From a dot product (of q already scaled) to a base-2 score.
fn mod_score(dot_product: f32, row: Row, key: i32, diagonal0: f32) -> f32 {
  var score = dot_product;
  score = score_distance(score, row, key, diagonal0);
  return select(MASKED, min(score, HIGHEST) * LOG2_E, score > SEEN);
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let unit = workgroup_unit(workgroup, workgroups);
  if (unit >= params.units) {
    return;
  }
  let work = find_work(unit);
  if (work.first_row >= work.rows) {
    return;
  }
  let head = kv_head(work);
  let span = tile_span(work);
  let index0 = work.first_row + lane;
  let row0 = make_row(work, index0);
  var q0 = array<vec4<f32>, 16>();
  var acc0 = array<vec4<f32>, 16>();
  var state0 = softmax_init();
  for (var d = 0u; d < params.q_vecs; d++) {
    q0[d] = read_q(q_row_offset(row0), d * 4u) * q_scale();
  }

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    let key0 = first_key + lane % 4u;
    let used0 = key0 < work.seq.k_len;
    var k_row0 = 0u;
    var v_row0 = 0u;
    if (used0) {
      k_row0 = k_row_offset(work.seq, head, key0);
      v_row0 = v_row_offset(work.seq, head, key0);
    }
    let key1 = first_key + lane % 4u + 4u;
    let used1 = key1 < work.seq.k_len;
    var k_row1 = 0u;
    var v_row1 = 0u;
    if (used1) {
      k_row1 = k_row_offset(work.seq, head, key1);
      v_row1 = v_row_offset(work.seq, head, key1);
    }

    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s0_4 = 0.0;
    var s0_5 = 0.0;
    var s0_6 = 0.0;
    var s0_7 = 0.0;
    for (var d = 0u; d < params.q_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_k(k_row0, d * 4u);
      }
      var own1 = vec4<f32>();
      if (used1) {
        own1 = read_k(k_row1, d * 4u);
      }
      let q0_d = q0[d];
      let k0 = subgroupBroadcast(own0, 0u);
      s0_0 += dot(q0_d, k0);
      let k1 = subgroupBroadcast(own0, 1u);
      s0_1 += dot(q0_d, k1);
      let k2 = subgroupBroadcast(own0, 2u);
      s0_2 += dot(q0_d, k2);
      let k3 = subgroupBroadcast(own0, 3u);
      s0_3 += dot(q0_d, k3);
      let k4 = subgroupBroadcast(own1, 0u);
      s0_4 += dot(q0_d, k4);
      let k5 = subgroupBroadcast(own1, 1u);
      s0_5 += dot(q0_d, k5);
      let k6 = subgroupBroadcast(own1, 2u);
      s0_6 += dot(q0_d, k6);
      let k7 = subgroupBroadcast(own1, 3u);
      s0_7 += dot(q0_d, k7);
    }
    for (var turn = 0u; turn < params.key_turns; turn++) {
      let turn_first = first_key + turn * 4u;
      s0_0 = mod_score(s0_0, row0, i32(turn_first), diagonal_distance(row0, row0.query - (i32(turn_first))));
      s0_1 = mod_score(s0_1, row0, i32(turn_first + 1u), diagonal_distance(row0, row0.query - (i32(turn_first + 1u))));
      s0_2 = mod_score(s0_2, row0, i32(turn_first + 2u), diagonal_distance(row0, row0.query - (i32(turn_first + 2u))));
      s0_3 = mod_score(s0_3, row0, i32(turn_first + 3u), diagonal_distance(row0, row0.query - (i32(turn_first + 3u))));
      let done_s0_0 = s0_0;
      let done_s0_1 = s0_1;
      let done_s0_2 = s0_2;
      let done_s0_3 = s0_3;
      s0_0 = s0_4;
      s0_1 = s0_5;
      s0_2 = s0_6;
      s0_3 = s0_7;
      s0_4 = done_s0_0;
      s0_5 = done_s0_1;
      s0_6 = done_s0_2;
      s0_7 = done_s0_3;
    }
    if (tile_class == PARTIAL) {
      s0_0 = masked_score(s0_0, row0, i32(first_key));
      s0_1 = masked_score(s0_1, row0, i32(first_key + 1u));
      s0_2 = masked_score(s0_2, row0, i32(first_key + 2u));
      s0_3 = masked_score(s0_3, row0, i32(first_key + 3u));
      s0_4 = masked_score(s0_4, row0, i32(first_key + 4u));
      s0_5 = masked_score(s0_5, row0, i32(first_key + 5u));
      s0_6 = masked_score(s0_6, row0, i32(first_key + 6u));
      s0_7 = masked_score(s0_7, row0, i32(first_key + 7u));
    }
    let factor0 = softmax_rescale(&state0, max(max(max(max(max(max(max(s0_0, s0_1), s0_2), s0_3), s0_4), s0_5), s0_6), s0_7));
    s0_0 = softmax_weight(s0_0, state0.row_max);
    s0_1 = softmax_weight(s0_1, state0.row_max);
    s0_2 = softmax_weight(s0_2, state0.row_max);
    s0_3 = softmax_weight(s0_3, state0.row_max);
    s0_4 = softmax_weight(s0_4, state0.row_max);
    s0_5 = softmax_weight(s0_5, state0.row_max);
    s0_6 = softmax_weight(s0_6, state0.row_max);
    s0_7 = softmax_weight(s0_7, state0.row_max);
    state0.row_sum += s0_0 + s0_1 + s0_2 + s0_3 + s0_4 + s0_5 + s0_6 + s0_7;

    for (var d = 0u; d < params.v_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_v(v_row0, d * 4u);
      }
      var own1 = vec4<f32>();
      if (used1) {
        own1 = read_v(v_row1, d * 4u);
      }
      var acc0_d = acc0[d] * factor0;
      let v0 = subgroupBroadcast(own0, 0u);
      acc0_d += s0_0 * v0;
      let v1 = subgroupBroadcast(own0, 1u);
      acc0_d += s0_1 * v1;
      let v2 = subgroupBroadcast(own0, 2u);
      acc0_d += s0_2 * v2;
      let v3 = subgroupBroadcast(own0, 3u);
      acc0_d += s0_3 * v3;
      let v4 = subgroupBroadcast(own1, 0u);
      acc0_d += s0_4 * v4;
      let v5 = subgroupBroadcast(own1, 1u);
      acc0_d += s0_5 * v5;
      let v6 = subgroupBroadcast(own1, 2u);
      acc0_d += s0_6 * v6;
      let v7 = subgroupBroadcast(own1, 3u);
      acc0_d += s0_7 * v7;
      acc0[d] = acc0_d;
    }
  }

  if (index0 < work.rows) {
    let norm = finish_row(&state0, row0, work.split);
    for (var d = 0u; d < params.v_vecs; d++) {
      write_out(out_row_offset(row0, work.split), d * 4u, acc0[d] * norm);
    }
    write_lse(state0, row0, work.split);
  }
}
