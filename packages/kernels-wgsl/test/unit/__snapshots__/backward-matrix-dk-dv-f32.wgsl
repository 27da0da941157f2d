// dkv q=f16 kv=f16 result=f16 | d=64 dv=64 | varlen paged | read=vec4 write=vec4 | hooks=band | path=matrix M=8 N=8 K=8 components=f32 subgroupSize=32 isPinned=false subgroups=4 rowBlocks=1 sharing=1 keepsRows=false unroll=false

fn dout_row_offset(row: Row) -> u32 {
  return params.dout_offset + u32(row.head) * params.dout_head + u32(row.q_row) * params.dout_row;
}

// Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
// different banks.
const STAGED = 18u;
const SCORED = 10u;
var<workgroup> k_tile: array<vec4<f32>, 574>; // 9184 bytes
var<workgroup> v_tile: array<vec4<f32>, 574>; // 9184 bytes
var<workgroup> q_tile: array<vec4<f32>, 574>; // 9184 bytes
var<workgroup> dout_tile: array<vec4<f32>, 574>; // 9184 bytes
var<workgroup> scores: array<vec4<f32>, 318>; // 5088 bytes
var<workgroup> slopes: array<vec4<f32>, 318>; // 5088 bytes

fn staged_q(work: Work, i: u32) -> vec4<f32> {
  let row = make_row(work, work.first_row + i / 16u);
  let d = i % 16u * 4u;
  return read_q(q_row_offset(row), d);
}

fn staged_dout(work: Work, i: u32) -> vec4<f32> {
  let row = make_row(work, work.first_row + i / 16u);
  let d = i % 16u * 4u;
  return read_dout(dout_row_offset(row), d);
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
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
  let thread = subgroup * 32u + lane;
  let column = lane % 8u;
  let own_rows = subgroup * 8u;
  let first_row = own_rows + lane / 8u * 2u;

  let key0 = i32(first_key + first_row);
  let key1 = i32(first_key + first_row + 1u);
  for (var chunk = 0u; chunk < ((params.q_vecs * 4u + 7u) / 8u + 3u) / 4u; chunk++) {
    k_tile[first_row * STAGED + chunk * 8u + column] = read_k(k_row_offset(seq, head, min(u32(key0), seq.k_len - 1u)), chunk * 32u + column * 4u);
    k_tile[(first_row + 1u) * STAGED + chunk * 8u + column] = read_k(k_row_offset(seq, head, min(u32(key1), seq.k_len - 1u)), chunk * 32u + column * 4u);
  }
  for (var chunk = 0u; chunk < ((params.v_vecs * 4u + 7u) / 8u + 3u) / 4u; chunk++) {
    v_tile[first_row * STAGED + chunk * 8u + column] = read_v(v_row_offset(seq, head, min(u32(key0), seq.k_len - 1u)), chunk * 32u + column * 4u);
    v_tile[(first_row + 1u) * STAGED + chunk * 8u + column] = read_v(v_row_offset(seq, head, min(u32(key1), seq.k_len - 1u)), chunk * 32u + column * 4u);
  }
  var dk = array<subgroup_matrix_result<f32, 8, 8>, 8>();
  var dv = array<subgroup_matrix_result<f32, 8, 8>, 8>();

  for (var group_head = 0u; group_head < params.group; group_head++) {
    for (var first_query = 0u; first_query < seq.q_len; first_query += TILE_M) {
      let work = Work(seq, head * params.group + group_head, 0u, first_query, seq.q_len);
      let tile_class = class_of_tile(first_key / TILE_N, tile_span(work));
      if (tile_class == EMPTY) {
        continue;
      }
      let index0 = work.first_row + column * 4u;
      let row0 = make_row(work, index0);
      var state0 = row_state(row0);
      if (index0 >= work.rows) {
        state0 = NO_ROW;
      }
      let index1 = work.first_row + column * 4u + 1u;
      let row1 = make_row(work, index1);
      var state1 = row_state(row1);
      if (index1 >= work.rows) {
        state1 = NO_ROW;
      }
      let index2 = work.first_row + column * 4u + 2u;
      let row2 = make_row(work, index2);
      var state2 = row_state(row2);
      if (index2 >= work.rows) {
        state2 = NO_ROW;
      }
      let index3 = work.first_row + column * 4u + 3u;
      let row3 = make_row(work, index3);
      var state3 = row_state(row3);
      if (index3 >= work.rows) {
        state3 = NO_ROW;
      }
      workgroupBarrier();
      for (var i = thread; i < 512u; i += 128u) {
        q_tile[i / 16u * STAGED + i % 16u] = staged_q(work, i);
      }
      for (var i = thread; i < 512u; i += 128u) {
        dout_tile[i / 16u * STAGED + i % 16u] = staged_dout(work, i);
      }
      workgroupBarrier();
      var sums = array<subgroup_matrix_result<f32, 8, 8>, 4>();
      for (var inner = 0u; inner < (params.q_vecs * 4u + 7u) / 8u; inner++) {
        let own_k0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&k_tile, own_rows * STAGED + inner * 2u, STAGED);
        for (var outer = 0u; outer < params.chunk_vecs * 4u / 8u; outer++) {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&q_tile, outer * 8u * STAGED + inner * 2u, STAGED);
          sums[outer] = subgroupMatrixMultiplyAccumulate(own_k0, tile_q, sums[outer]);
        }
      }
      var slope_sums = array<subgroup_matrix_result<f32, 8, 8>, 4>();
      for (var inner = 0u; inner < (params.v_vecs * 4u + 7u) / 8u; inner++) {
        let own_v0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&v_tile, own_rows * STAGED + inner * 2u, STAGED);
        for (var outer = 0u; outer < params.chunk_vecs * 4u / 8u; outer++) {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&dout_tile, outer * 8u * STAGED + inner * 2u, STAGED);
          slope_sums[outer] = subgroupMatrixMultiplyAccumulate(own_v0, tile_dout, slope_sums[outer]);
        }
      }
      for (var outer = 0u; outer < params.chunk_vecs * 4u / 8u; outer++) {
        subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + outer * 2u, sums[outer], SCORED);
      }
      for (var outer = 0u; outer < params.chunk_vecs * 4u / 8u; outer++) {
        subgroupMatrixStore<row_major>(&slopes, own_rows * SCORED + outer * 2u, slope_sums[outer], SCORED);
      }
      workgroupBarrier();
      var s0 = scores[first_row * SCORED + column] * q_scale();
      var s1 = scores[(first_row + 1u) * SCORED + column] * q_scale();
      var dp0 = slopes[first_row * SCORED + column];
      var dp1 = slopes[(first_row + 1u) * SCORED + column];

      if (tile_class == PARTIAL) {
        s0[0] = masked_score(s0[0], row0, key0);
        s0[1] = masked_score(s0[1], row1, key0);
        s0[2] = masked_score(s0[2], row2, key0);
        s0[3] = masked_score(s0[3], row3, key0);
        s1[0] = masked_score(s1[0], row0, key1);
        s1[1] = masked_score(s1[1], row1, key1);
        s1[2] = masked_score(s1[2], row2, key1);
        s1[3] = masked_score(s1[3], row3, key1);
      }
      s0[0] = pair_weight(s0[0], state0.row_max, state0.norm);
      s0[1] = pair_weight(s0[1], state1.row_max, state1.norm);
      s0[2] = pair_weight(s0[2], state2.row_max, state2.norm);
      s0[3] = pair_weight(s0[3], state3.row_max, state3.norm);
      s1[0] = pair_weight(s1[0], state0.row_max, state0.norm);
      s1[1] = pair_weight(s1[1], state1.row_max, state1.norm);
      s1[2] = pair_weight(s1[2], state2.row_max, state2.norm);
      s1[3] = pair_weight(s1[3], state3.row_max, state3.norm);
      scores[first_row * SCORED + column] = s0;
      scores[(first_row + 1u) * SCORED + column] = s1;
      s0[0] = pair_gradient(s0[0], dp0[0], state0.delta, 1.0);
      s0[1] = pair_gradient(s0[1], dp0[1], state1.delta, 1.0);
      s0[2] = pair_gradient(s0[2], dp0[2], state2.delta, 1.0);
      s0[3] = pair_gradient(s0[3], dp0[3], state3.delta, 1.0);
      s1[0] = pair_gradient(s1[0], dp1[0], state0.delta, 1.0);
      s1[1] = pair_gradient(s1[1], dp1[1], state1.delta, 1.0);
      s1[2] = pair_gradient(s1[2], dp1[2], state2.delta, 1.0);
      s1[3] = pair_gradient(s1[3], dp1[3], state3.delta, 1.0);
      slopes[first_row * SCORED + column] = s0;
      slopes[(first_row + 1u) * SCORED + column] = s1;
      workgroupBarrier();
      for (var inner = 0u; inner < params.chunk_vecs * 4u / 8u; inner++) {
        let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED + inner * 2u, SCORED);
        for (var outer = 0u; outer < ((params.v_vecs * 4u + 7u) / 8u); outer++) {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&dout_tile, inner * 8u * STAGED + outer * 2u, STAGED);
          dv[outer] = subgroupMatrixMultiplyAccumulate(weights0, tile_dout, dv[outer]);
        }
      }
      for (var inner = 0u; inner < params.chunk_vecs * 4u / 8u; inner++) {
        let gradients0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&slopes, own_rows * SCORED + inner * 2u, SCORED);
        for (var outer = 0u; outer < ((params.q_vecs * 4u + 7u) / 8u); outer++) {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&q_tile, inner * 8u * STAGED + outer * 2u, STAGED);
          dk[outer] = subgroupMatrixMultiplyAccumulate(gradients0, tile_q, dk[outer]);
        }
      }
    }
  }

  workgroupBarrier();
  for (var chunk = 0u; chunk < (((params.q_vecs * 4u + 7u) / 8u) + 3u) / 4u; chunk++) {
    for (var inner = 0u; inner < min(4u, ((params.q_vecs * 4u + 7u) / 8u) - chunk * 4u); inner++) {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + inner * 2u, dk[chunk * 4u + inner], SCORED);
    }
    workgroupBarrier();
    if (u32(key0) < seq.k_len) {
      write_dk(dk_row_offset(seq, head, u32(key0)), chunk * 32u + column * 4u, scores[first_row * SCORED + column] * params.scale);
    }
    if (u32(key1) < seq.k_len) {
      write_dk(dk_row_offset(seq, head, u32(key1)), chunk * 32u + column * 4u, scores[(first_row + 1u) * SCORED + column] * params.scale);
    }
    workgroupBarrier();
  }
  workgroupBarrier();
  for (var chunk = 0u; chunk < (((params.v_vecs * 4u + 7u) / 8u) + 3u) / 4u; chunk++) {
    for (var inner = 0u; inner < min(4u, ((params.v_vecs * 4u + 7u) / 8u) - chunk * 4u); inner++) {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + inner * 2u, dv[chunk * 4u + inner], SCORED);
    }
    workgroupBarrier();
    if (u32(key0) < seq.k_len) {
      write_dv(dv_row_offset(seq, head, u32(key0)), chunk * 32u + column * 4u, scores[first_row * SCORED + column]);
    }
    if (u32(key1) < seq.k_len) {
      write_dv(dv_row_offset(seq, head, u32(key1)), chunk * 32u + column * 4u, scores[(first_row + 1u) * SCORED + column]);
    }
    workgroupBarrier();
  }
}
