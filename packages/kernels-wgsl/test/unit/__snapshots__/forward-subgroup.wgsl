enable subgroups;

// q=f32 kv=f32 out=f32 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band | path=subgroup subgroupSize=4 rowsPerLane=2 keysPerLane=1 branches=false

const TILE_N = 4u;

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
  let index1 = work.first_row + lane + 4u;
  let row1 = make_row(work, index1);
  var q1 = array<vec4<f32>, 16>();
  var acc1 = array<vec4<f32>, 16>();
  var state1 = softmax_init();
  for (var d = 0u; d < params.q_vecs; d++) {
    q0[d] = read_q(q_row_offset(row0), d * 4u) * q_scale();
    q1[d] = read_q(q_row_offset(row1), d * 4u) * q_scale();
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

    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s1_0 = 0.0;
    var s1_1 = 0.0;
    var s1_2 = 0.0;
    var s1_3 = 0.0;
    for (var d = 0u; d < params.q_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_k(k_row0, d * 4u);
      }
      let q0_d = q0[d];
      let q1_d = q1[d];
      let k0 = subgroupBroadcast(own0, 0u);
      s0_0 += dot(q0_d, k0);
      s1_0 += dot(q1_d, k0);
      let k1 = subgroupBroadcast(own0, 1u);
      s0_1 += dot(q0_d, k1);
      s1_1 += dot(q1_d, k1);
      let k2 = subgroupBroadcast(own0, 2u);
      s0_2 += dot(q0_d, k2);
      s1_2 += dot(q1_d, k2);
      let k3 = subgroupBroadcast(own0, 3u);
      s0_3 += dot(q0_d, k3);
      s1_3 += dot(q1_d, k3);
    }
    if (tile_class == PARTIAL) {
      s0_0 = masked_score(s0_0, row0, i32(first_key));
      s1_0 = masked_score(s1_0, row1, i32(first_key));
      s0_1 = masked_score(s0_1, row0, i32(first_key + 1u));
      s1_1 = masked_score(s1_1, row1, i32(first_key + 1u));
      s0_2 = masked_score(s0_2, row0, i32(first_key + 2u));
      s1_2 = masked_score(s1_2, row1, i32(first_key + 2u));
      s0_3 = masked_score(s0_3, row0, i32(first_key + 3u));
      s1_3 = masked_score(s1_3, row1, i32(first_key + 3u));
    }
    let factor0 = softmax_rescale(&state0, max(max(max(s0_0, s0_1), s0_2), s0_3));
    s0_0 = softmax_weight(s0_0, state0.row_max);
    s0_1 = softmax_weight(s0_1, state0.row_max);
    s0_2 = softmax_weight(s0_2, state0.row_max);
    s0_3 = softmax_weight(s0_3, state0.row_max);
    state0.row_sum += s0_0 + s0_1 + s0_2 + s0_3;
    let factor1 = softmax_rescale(&state1, max(max(max(s1_0, s1_1), s1_2), s1_3));
    s1_0 = softmax_weight(s1_0, state1.row_max);
    s1_1 = softmax_weight(s1_1, state1.row_max);
    s1_2 = softmax_weight(s1_2, state1.row_max);
    s1_3 = softmax_weight(s1_3, state1.row_max);
    state1.row_sum += s1_0 + s1_1 + s1_2 + s1_3;

    for (var d = 0u; d < params.v_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_v(v_row0, d * 4u);
      }
      var acc0_d = acc0[d] * factor0;
      var acc1_d = acc1[d] * factor1;
      let v0 = subgroupBroadcast(own0, 0u);
      acc0_d += s0_0 * v0;
      acc1_d += s1_0 * v0;
      let v1 = subgroupBroadcast(own0, 1u);
      acc0_d += s0_1 * v1;
      acc1_d += s1_1 * v1;
      let v2 = subgroupBroadcast(own0, 2u);
      acc0_d += s0_2 * v2;
      acc1_d += s1_2 * v2;
      let v3 = subgroupBroadcast(own0, 3u);
      acc0_d += s0_3 * v3;
      acc1_d += s1_3 * v3;
      acc0[d] = acc0_d;
      acc1[d] = acc1_d;
    }
  }

  if (index0 < work.rows) {
    let norm = finish_row(&state0, row0, work.split);
    for (var d = 0u; d < params.v_vecs; d++) {
      write_out(out_row_offset(row0, work.split), d * 4u, acc0[d] * norm);
    }
    write_lse(state0, row0, work.split);
  }
  if (index1 < work.rows) {
    let norm = finish_row(&state1, row1, work.split);
    for (var d = 0u; d < params.v_vecs; d++) {
      write_out(out_row_offset(row1, work.split), d * 4u, acc1[d] * norm);
    }
    write_lse(state1, row1, work.split);
  }
}
