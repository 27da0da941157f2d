// dkv q=f32 kv=f32 result=f32 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | hooks=distance+band | path=subgroup subgroupSize=4 rowsPerLane=1 keysPerLane=2 branches=false

fn score_derivative_distance(score: f32, row: Row, key: i32, diagonal: f32) -> f32 {
  return 1.0;
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
  let key_work = find_keys(unit);
  let seq = key_work.seq;
  let head = key_work.head;
  let first_key = key_work.first_key;
  if (first_key >= seq.k_len) {
    return;
  }
  let key0 = first_key + lane;
  var k0 = array<vec4<f32>, 16>();
  var v0 = array<vec4<f32>, 16>();
  var dk0 = array<vec4<f32>, 16>();
  var dv0 = array<vec4<f32>, 16>();
  if (key0 < seq.k_len) {
    for (var d = 0u; d < params.q_vecs; d++) {
      k0[d] = read_k(k_row_offset(seq, head, key0), d * 4u);
    }
    for (var d = 0u; d < params.v_vecs; d++) {
      v0[d] = read_v(v_row_offset(seq, head, key0), d * 4u);
    }
  }

  for (var group_head = 0u; group_head < params.group; group_head++) {
    for (var first_query = 0u; first_query < seq.q_len; first_query += TILE_M) {
      let work = Work(seq, head * params.group + group_head, 0u, first_query, seq.q_len);
      let tile_class = class_of_tile(first_key / TILE_N, tile_span(work));
      if (tile_class == EMPTY) {
        continue;
      }
      let index0 = work.first_row + lane % 4u;
      let used0 = index0 < work.rows;
      let own_row0 = make_row(work, index0);
      let q_row0 = q_row_offset(own_row0);
      let dout_row0 = dout_row_offset(own_row0);
      var own_state0 = row_state(own_row0);
      if (!used0) {
        own_state0 = NO_ROW;
      }
      let index1 = work.first_row + lane % 4u + 4u;
      let used1 = index1 < work.rows;
      let own_row1 = make_row(work, index1);
      let q_row1 = q_row_offset(own_row1);
      let dout_row1 = dout_row_offset(own_row1);
      var own_state1 = row_state(own_row1);
      if (!used1) {
        own_state1 = NO_ROW;
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
          own0 = read_q(q_row0, d * 4u) * q_scale();
        }
        var own1 = vec4<f32>();
        if (used1) {
          own1 = read_q(q_row1, d * 4u) * q_scale();
        }
        let k0_d = k0[d];
        let q0 = subgroupBroadcast(own0, 0u);
        s0_0 += dot(k0_d, q0);
        let q1 = subgroupBroadcast(own0, 1u);
        s0_1 += dot(k0_d, q1);
        let q2 = subgroupBroadcast(own0, 2u);
        s0_2 += dot(k0_d, q2);
        let q3 = subgroupBroadcast(own0, 3u);
        s0_3 += dot(k0_d, q3);
        let q4 = subgroupBroadcast(own1, 0u);
        s0_4 += dot(k0_d, q4);
        let q5 = subgroupBroadcast(own1, 1u);
        s0_5 += dot(k0_d, q5);
        let q6 = subgroupBroadcast(own1, 2u);
        s0_6 += dot(k0_d, q6);
        let q7 = subgroupBroadcast(own1, 3u);
        s0_7 += dot(k0_d, q7);
      }
      {
        var row = Row();
        for (var turn = 0u; turn < params.key_turns; turn++) {
          let turn_first = work.first_row + turn * 4u;
          row = make_row(work, turn_first);
          s0_0 = mod_score(s0_0, row, i32(key0), diagonal_distance(row, row.query - (i32(key0))));
          row = make_row(work, turn_first + 1u);
          s0_1 = mod_score(s0_1, row, i32(key0), diagonal_distance(row, row.query - (i32(key0))));
          row = make_row(work, turn_first + 2u);
          s0_2 = mod_score(s0_2, row, i32(key0), diagonal_distance(row, row.query - (i32(key0))));
          row = make_row(work, turn_first + 3u);
          s0_3 = mod_score(s0_3, row, i32(key0), diagonal_distance(row, row.query - (i32(key0))));
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
      }
      if (tile_class == PARTIAL) {
        {
          var row = Row();
          row = make_row(work, work.first_row);
          s0_0 = masked_score(s0_0, row, i32(key0));
          row = make_row(work, work.first_row + 1u);
          s0_1 = masked_score(s0_1, row, i32(key0));
          row = make_row(work, work.first_row + 2u);
          s0_2 = masked_score(s0_2, row, i32(key0));
          row = make_row(work, work.first_row + 3u);
          s0_3 = masked_score(s0_3, row, i32(key0));
          row = make_row(work, work.first_row + 4u);
          s0_4 = masked_score(s0_4, row, i32(key0));
          row = make_row(work, work.first_row + 5u);
          s0_5 = masked_score(s0_5, row, i32(key0));
          row = make_row(work, work.first_row + 6u);
          s0_6 = masked_score(s0_6, row, i32(key0));
          row = make_row(work, work.first_row + 7u);
          s0_7 = masked_score(s0_7, row, i32(key0));
        }
      }
      let row_max0 = subgroupBroadcast(own_state0.row_max, 0u);
      let norm0 = subgroupBroadcast(own_state0.norm, 0u);
      s0_0 = pair_weight(s0_0, row_max0, norm0);
      let row_max1 = subgroupBroadcast(own_state0.row_max, 1u);
      let norm1 = subgroupBroadcast(own_state0.norm, 1u);
      s0_1 = pair_weight(s0_1, row_max1, norm1);
      let row_max2 = subgroupBroadcast(own_state0.row_max, 2u);
      let norm2 = subgroupBroadcast(own_state0.norm, 2u);
      s0_2 = pair_weight(s0_2, row_max2, norm2);
      let row_max3 = subgroupBroadcast(own_state0.row_max, 3u);
      let norm3 = subgroupBroadcast(own_state0.norm, 3u);
      s0_3 = pair_weight(s0_3, row_max3, norm3);
      let row_max4 = subgroupBroadcast(own_state1.row_max, 0u);
      let norm4 = subgroupBroadcast(own_state1.norm, 0u);
      s0_4 = pair_weight(s0_4, row_max4, norm4);
      let row_max5 = subgroupBroadcast(own_state1.row_max, 1u);
      let norm5 = subgroupBroadcast(own_state1.norm, 1u);
      s0_5 = pair_weight(s0_5, row_max5, norm5);
      let row_max6 = subgroupBroadcast(own_state1.row_max, 2u);
      let norm6 = subgroupBroadcast(own_state1.norm, 2u);
      s0_6 = pair_weight(s0_6, row_max6, norm6);
      let row_max7 = subgroupBroadcast(own_state1.row_max, 3u);
      let norm7 = subgroupBroadcast(own_state1.norm, 3u);
      s0_7 = pair_weight(s0_7, row_max7, norm7);
      var dp0_0 = 0.0;
      var dp0_1 = 0.0;
      var dp0_2 = 0.0;
      var dp0_3 = 0.0;
      var dp0_4 = 0.0;
      var dp0_5 = 0.0;
      var dp0_6 = 0.0;
      var dp0_7 = 0.0;
      for (var d = 0u; d < params.v_vecs; d++) {
        var own0 = vec4<f32>();
        if (used0) {
          own0 = read_dout(dout_row0, d * 4u);
        }
        var own1 = vec4<f32>();
        if (used1) {
          own1 = read_dout(dout_row1, d * 4u);
        }
        let v0_d = v0[d];
        var dv0_d = dv0[d];
        let dout0 = subgroupBroadcast(own0, 0u);
        dp0_0 += dot(v0_d, dout0);
        dv0_d += s0_0 * dout0;
        let dout1 = subgroupBroadcast(own0, 1u);
        dp0_1 += dot(v0_d, dout1);
        dv0_d += s0_1 * dout1;
        let dout2 = subgroupBroadcast(own0, 2u);
        dp0_2 += dot(v0_d, dout2);
        dv0_d += s0_2 * dout2;
        let dout3 = subgroupBroadcast(own0, 3u);
        dp0_3 += dot(v0_d, dout3);
        dv0_d += s0_3 * dout3;
        let dout4 = subgroupBroadcast(own1, 0u);
        dp0_4 += dot(v0_d, dout4);
        dv0_d += s0_4 * dout4;
        let dout5 = subgroupBroadcast(own1, 1u);
        dp0_5 += dot(v0_d, dout5);
        dv0_d += s0_5 * dout5;
        let dout6 = subgroupBroadcast(own1, 2u);
        dp0_6 += dot(v0_d, dout6);
        dv0_d += s0_6 * dout6;
        let dout7 = subgroupBroadcast(own1, 3u);
        dp0_7 += dot(v0_d, dout7);
        dv0_d += s0_7 * dout7;
        dv0[d] = dv0_d;
      }
      let delta0 = subgroupBroadcast(own_state0.delta, 0u);
      s0_0 = pair_gradient(s0_0, dp0_0, delta0, 1.0);
      let delta1 = subgroupBroadcast(own_state0.delta, 1u);
      s0_1 = pair_gradient(s0_1, dp0_1, delta1, 1.0);
      let delta2 = subgroupBroadcast(own_state0.delta, 2u);
      s0_2 = pair_gradient(s0_2, dp0_2, delta2, 1.0);
      let delta3 = subgroupBroadcast(own_state0.delta, 3u);
      s0_3 = pair_gradient(s0_3, dp0_3, delta3, 1.0);
      let delta4 = subgroupBroadcast(own_state1.delta, 0u);
      s0_4 = pair_gradient(s0_4, dp0_4, delta4, 1.0);
      let delta5 = subgroupBroadcast(own_state1.delta, 1u);
      s0_5 = pair_gradient(s0_5, dp0_5, delta5, 1.0);
      let delta6 = subgroupBroadcast(own_state1.delta, 2u);
      s0_6 = pair_gradient(s0_6, dp0_6, delta6, 1.0);
      let delta7 = subgroupBroadcast(own_state1.delta, 3u);
      s0_7 = pair_gradient(s0_7, dp0_7, delta7, 1.0);
      for (var d = 0u; d < params.q_vecs; d++) {
        var own0 = vec4<f32>();
        if (used0) {
          own0 = read_q(q_row0, d * 4u);
        }
        var own1 = vec4<f32>();
        if (used1) {
          own1 = read_q(q_row1, d * 4u);
        }
        var dk0_d = dk0[d];
        let q0 = subgroupBroadcast(own0, 0u);
        dk0_d += s0_0 * q0;
        let q1 = subgroupBroadcast(own0, 1u);
        dk0_d += s0_1 * q1;
        let q2 = subgroupBroadcast(own0, 2u);
        dk0_d += s0_2 * q2;
        let q3 = subgroupBroadcast(own0, 3u);
        dk0_d += s0_3 * q3;
        let q4 = subgroupBroadcast(own1, 0u);
        dk0_d += s0_4 * q4;
        let q5 = subgroupBroadcast(own1, 1u);
        dk0_d += s0_5 * q5;
        let q6 = subgroupBroadcast(own1, 2u);
        dk0_d += s0_6 * q6;
        let q7 = subgroupBroadcast(own1, 3u);
        dk0_d += s0_7 * q7;
        dk0[d] = dk0_d;
      }
    }
  }

  if (key0 < seq.k_len) {
    for (var d = 0u; d < params.q_vecs; d++) {
      write_dk(dk_row_offset(seq, head, key0), d * 4u, dk0[d] * params.scale);
    }
    for (var d = 0u; d < params.v_vecs; d++) {
      write_dv(dv_row_offset(seq, head, key0), d * 4u, dv0[d]);
    }
  }
}
