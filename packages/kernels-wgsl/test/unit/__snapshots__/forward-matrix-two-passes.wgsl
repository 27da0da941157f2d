enable chromium_experimental_subgroup_matrix;
enable subgroups;
enable subgroup_size_control;
enable f16;

// q=f16 kv=f16 out=f16 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band | path=matrix M=16 N=16 K=16 components=f16 subgroupSize=32 isPinned=true subgroups=4 rowBlocks=2 sharing=1 keepsRows=true unroll=true

const TILE_M = 128u;

// Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
// different banks.
const STAGED = 18u;
const SCORED = 10u;
var<workgroup> kv_tile: array<vec4<f16>, 574>; // 4592 bytes
var<workgroup> scores: array<vec4<f32>, 638>; // 10208 bytes
var<workgroup> weights: array<vec4<f16>, 1278>; // 10224 bytes

@compute @workgroup_size(128) @subgroup_size(32)
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
  let work = find_work(unit);
  if (work.first_row >= work.rows) {
    return;
  }
  let head = kv_head(work);
  let span = tile_span(work);
  let thread = subgroup * 32u + lane;
  let column = lane % 8u;
  let own_rows = subgroup * 32u;
  let first_row = own_rows + lane / 8u * 4u;
  let pass_row = subgroup * 16u + lane / 8u * 4u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var held0 = 0.0;
  let row1 = make_row(work, work.first_row + first_row + 1u);
  var state1 = softmax_init();
  var held1 = 0.0;
  let row2 = make_row(work, work.first_row + first_row + 2u);
  var state2 = softmax_init();
  var held2 = 0.0;
  let row3 = make_row(work, work.first_row + first_row + 3u);
  var state3 = softmax_init();
  var held3 = 0.0;
  let row4 = make_row(work, work.first_row + first_row + 16u);
  var state4 = softmax_init();
  var held4 = 0.0;
  let row5 = make_row(work, work.first_row + first_row + 17u);
  var state5 = softmax_init();
  var held5 = 0.0;
  let row6 = make_row(work, work.first_row + first_row + 18u);
  var state6 = softmax_init();
  var held6 = 0.0;
  let row7 = make_row(work, work.first_row + first_row + 19u);
  var state7 = softmax_init();
  var held7 = 0.0;
  var query = array<subgroup_matrix_left<f16, 16, 16>, 8>();
  {
    workgroupBarrier();
    weights[first_row * SCORED + column] = vec4<f16>(read_q(q_row_offset(row0), column * 4u));
    weights[(first_row + 1u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row1), column * 4u));
    weights[(first_row + 2u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row2), column * 4u));
    weights[(first_row + 3u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row3), column * 4u));
    weights[(first_row + 16u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row4), column * 4u));
    weights[(first_row + 17u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row5), column * 4u));
    weights[(first_row + 18u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row6), column * 4u));
    weights[(first_row + 19u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row7), column * 4u));
    workgroupBarrier();
    {
      query[0u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, own_rows * SCORED, SCORED);
      query[4u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, (own_rows + 16u) * SCORED, SCORED);
    }
    {
      query[1u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, own_rows * SCORED + 4u, SCORED);
      query[5u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, (own_rows + 16u) * SCORED + 4u, SCORED);
    }
  }
  {
    workgroupBarrier();
    weights[first_row * SCORED + column] = vec4<f16>(read_q(q_row_offset(row0), column * 4u + 32u));
    weights[(first_row + 1u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row1), column * 4u + 32u));
    weights[(first_row + 2u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row2), column * 4u + 32u));
    weights[(first_row + 3u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row3), column * 4u + 32u));
    weights[(first_row + 16u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row4), column * 4u + 32u));
    weights[(first_row + 17u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row5), column * 4u + 32u));
    weights[(first_row + 18u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row6), column * 4u + 32u));
    weights[(first_row + 19u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row7), column * 4u + 32u));
    workgroupBarrier();
    {
      query[2u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, own_rows * SCORED, SCORED);
      query[6u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, (own_rows + 16u) * SCORED, SCORED);
    }
    {
      query[3u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, own_rows * SCORED + 4u, SCORED);
      query[7u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, (own_rows + 16u) * SCORED + 4u, SCORED);
    }
  }
  var acc = array<subgroup_matrix_result<f32, 16, 16>, 8>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    let k0 = staged_k(work.seq, head, first_key, thread);
    let k1 = staged_k(work.seq, head, first_key, thread + 128u);
    let k2 = staged_k(work.seq, head, first_key, thread + 256u);
    let k3 = staged_k(work.seq, head, first_key, thread + 384u);
    workgroupBarrier();
    kv_tile[thread / 16u * STAGED + thread % 16u] = k0;
    kv_tile[(thread + 128u) / 16u * STAGED + (thread + 128u) % 16u] = k1;
    kv_tile[(thread + 256u) / 16u * STAGED + (thread + 256u) % 16u] = k2;
    kv_tile[(thread + 384u) / 16u * STAGED + (thread + 384u) % 16u] = k3;
    if (thread == 0u) {
      atomicStore(&grown, 0u);
    }
    workgroupBarrier();
    var sums = array<subgroup_matrix_result<f32, 16, 16>, 4>();
    {
      let query0 = query[0u];
      let query1 = query[4u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 0u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
        sums[2u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[2u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 16u * STAGED, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
        sums[3u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[3u]);
      }
    }
    {
      let query0 = query[1u];
      let query1 = query[5u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 4u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
        sums[2u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[2u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 16u * STAGED + 4u, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
        sums[3u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[3u]);
      }
    }
    {
      let query0 = query[2u];
      let query1 = query[6u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 8u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
        sums[2u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[2u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 16u * STAGED + 8u, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
        sums[3u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[3u]);
      }
    }
    {
      let query0 = query[3u];
      let query1 = query[7u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 12u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
        sums[2u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[2u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 16u * STAGED + 12u, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
        sums[3u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[3u]);
      }
    }
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, sums[0u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, sums[1u], SCORED);
    }
    workgroupBarrier();
    var s0 = scores[pass_row * SCORED + column] * q_scale();
    var s1 = scores[(pass_row + 1u) * SCORED + column] * q_scale();
    var s2 = scores[(pass_row + 2u) * SCORED + column] * q_scale();
    var s3 = scores[(pass_row + 3u) * SCORED + column] * q_scale();
    workgroupBarrier();
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, sums[2u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, sums[3u], SCORED);
    }
    workgroupBarrier();
    var s4 = scores[pass_row * SCORED + column] * q_scale();
    var s5 = scores[(pass_row + 1u) * SCORED + column] * q_scale();
    var s6 = scores[(pass_row + 2u) * SCORED + column] * q_scale();
    var s7 = scores[(pass_row + 3u) * SCORED + column] * q_scale();
    let v0 = staged_v(work.seq, head, first_key, thread);
    let v1 = staged_v(work.seq, head, first_key, thread + 128u);
    let v2 = staged_v(work.seq, head, first_key, thread + 256u);
    let v3 = staged_v(work.seq, head, first_key, thread + 384u);

    let key = i32(first_key + column * 4u);
    if (tile_class == PARTIAL) {
      s0[0] = masked_score(s0[0], row0, key);
      s0[1] = masked_score(s0[1], row0, key + 1);
      s0[2] = masked_score(s0[2], row0, key + 2);
      s0[3] = masked_score(s0[3], row0, key + 3);
      s1[0] = masked_score(s1[0], row1, key);
      s1[1] = masked_score(s1[1], row1, key + 1);
      s1[2] = masked_score(s1[2], row1, key + 2);
      s1[3] = masked_score(s1[3], row1, key + 3);
      s2[0] = masked_score(s2[0], row2, key);
      s2[1] = masked_score(s2[1], row2, key + 1);
      s2[2] = masked_score(s2[2], row2, key + 2);
      s2[3] = masked_score(s2[3], row2, key + 3);
      s3[0] = masked_score(s3[0], row3, key);
      s3[1] = masked_score(s3[1], row3, key + 1);
      s3[2] = masked_score(s3[2], row3, key + 2);
      s3[3] = masked_score(s3[3], row3, key + 3);
      s4[0] = masked_score(s4[0], row4, key);
      s4[1] = masked_score(s4[1], row4, key + 1);
      s4[2] = masked_score(s4[2], row4, key + 2);
      s4[3] = masked_score(s4[3], row4, key + 3);
      s5[0] = masked_score(s5[0], row5, key);
      s5[1] = masked_score(s5[1], row5, key + 1);
      s5[2] = masked_score(s5[2], row5, key + 2);
      s5[3] = masked_score(s5[3], row5, key + 3);
      s6[0] = masked_score(s6[0], row6, key);
      s6[1] = masked_score(s6[1], row6, key + 1);
      s6[2] = masked_score(s6[2], row6, key + 2);
      s6[3] = masked_score(s6[3], row6, key + 3);
      s7[0] = masked_score(s7[0], row7, key);
      s7[1] = masked_score(s7[1], row7, key + 1);
      s7[2] = masked_score(s7[2], row7, key + 2);
      s7[3] = masked_score(s7[3], row7, key + 3);
    }
    let factor0 = softmax_raise(&state0, row_max(s0));
    let factor1 = softmax_raise(&state1, row_max(s1));
    let factor2 = softmax_raise(&state2, row_max(s2));
    let factor3 = softmax_raise(&state3, row_max(s3));
    let factor4 = softmax_raise(&state4, row_max(s4));
    let factor5 = softmax_raise(&state5, row_max(s5));
    let factor6 = softmax_raise(&state6, row_max(s6));
    let factor7 = softmax_raise(&state7, row_max(s7));
    if (min(min(min(min(min(min(min(factor0, factor1), factor2), factor3), factor4), factor5), factor6), factor7) < 1.0) {
      atomicStore(&grown, 1u);
    }
    // Rows that need no other factor pass with 1, so that their bits do not depend on the rest of the tile.
    if (workgroupUniformLoad(&grown) != 0u) {
      {
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[0u], SCORED);
        }
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[1u], SCORED);
        }
        workgroupBarrier();
        scores[pass_row * SCORED + column] *= factor0;
        scores[(pass_row + 1u) * SCORED + column] *= factor1;
        scores[(pass_row + 2u) * SCORED + column] *= factor2;
        scores[(pass_row + 3u) * SCORED + column] *= factor3;
        workgroupBarrier();
        {
          acc[0u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED, SCORED);
        }
        {
          acc[1u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED + 4u, SCORED);
        }
        workgroupBarrier();
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[4u], SCORED);
        }
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[5u], SCORED);
        }
        workgroupBarrier();
        scores[pass_row * SCORED + column] *= factor4;
        scores[(pass_row + 1u) * SCORED + column] *= factor5;
        scores[(pass_row + 2u) * SCORED + column] *= factor6;
        scores[(pass_row + 3u) * SCORED + column] *= factor7;
        workgroupBarrier();
        {
          acc[4u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED, SCORED);
        }
        {
          acc[5u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED + 4u, SCORED);
        }
        workgroupBarrier();
      }
      {
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[2u], SCORED);
        }
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[3u], SCORED);
        }
        workgroupBarrier();
        scores[pass_row * SCORED + column] *= factor0;
        scores[(pass_row + 1u) * SCORED + column] *= factor1;
        scores[(pass_row + 2u) * SCORED + column] *= factor2;
        scores[(pass_row + 3u) * SCORED + column] *= factor3;
        workgroupBarrier();
        {
          acc[2u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED, SCORED);
        }
        {
          acc[3u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED + 4u, SCORED);
        }
        workgroupBarrier();
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[6u], SCORED);
        }
        {
          subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[7u], SCORED);
        }
        workgroupBarrier();
        scores[pass_row * SCORED + column] *= factor4;
        scores[(pass_row + 1u) * SCORED + column] *= factor5;
        scores[(pass_row + 2u) * SCORED + column] *= factor6;
        scores[(pass_row + 3u) * SCORED + column] *= factor7;
        workgroupBarrier();
        {
          acc[6u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED, SCORED);
        }
        {
          acc[7u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 16>, row_major>(&scores, subgroup * 16u * SCORED + 4u, SCORED);
        }
        workgroupBarrier();
      }
    }
    s0[0] = softmax_weight(s0[0], state0.row_max);
    s0[1] = softmax_weight(s0[1], state0.row_max);
    s0[2] = softmax_weight(s0[2], state0.row_max);
    s0[3] = softmax_weight(s0[3], state0.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state0.row_sum += s0.x + s0.y + s0.z + s0.w;
    s0 = held(s0);
    held0 = held0 * factor0 + s0.x + s0.y + s0.z + s0.w;
    weights[first_row * SCORED + column] = vec4<f16>(s0);
    s1[0] = softmax_weight(s1[0], state1.row_max);
    s1[1] = softmax_weight(s1[1], state1.row_max);
    s1[2] = softmax_weight(s1[2], state1.row_max);
    s1[3] = softmax_weight(s1[3], state1.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state1.row_sum += s1.x + s1.y + s1.z + s1.w;
    s1 = held(s1);
    held1 = held1 * factor1 + s1.x + s1.y + s1.z + s1.w;
    weights[(first_row + 1u) * SCORED + column] = vec4<f16>(s1);
    s2[0] = softmax_weight(s2[0], state2.row_max);
    s2[1] = softmax_weight(s2[1], state2.row_max);
    s2[2] = softmax_weight(s2[2], state2.row_max);
    s2[3] = softmax_weight(s2[3], state2.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state2.row_sum += s2.x + s2.y + s2.z + s2.w;
    s2 = held(s2);
    held2 = held2 * factor2 + s2.x + s2.y + s2.z + s2.w;
    weights[(first_row + 2u) * SCORED + column] = vec4<f16>(s2);
    s3[0] = softmax_weight(s3[0], state3.row_max);
    s3[1] = softmax_weight(s3[1], state3.row_max);
    s3[2] = softmax_weight(s3[2], state3.row_max);
    s3[3] = softmax_weight(s3[3], state3.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state3.row_sum += s3.x + s3.y + s3.z + s3.w;
    s3 = held(s3);
    held3 = held3 * factor3 + s3.x + s3.y + s3.z + s3.w;
    weights[(first_row + 3u) * SCORED + column] = vec4<f16>(s3);
    s4[0] = softmax_weight(s4[0], state4.row_max);
    s4[1] = softmax_weight(s4[1], state4.row_max);
    s4[2] = softmax_weight(s4[2], state4.row_max);
    s4[3] = softmax_weight(s4[3], state4.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state4.row_sum += s4.x + s4.y + s4.z + s4.w;
    s4 = held(s4);
    held4 = held4 * factor4 + s4.x + s4.y + s4.z + s4.w;
    weights[(first_row + 16u) * SCORED + column] = vec4<f16>(s4);
    s5[0] = softmax_weight(s5[0], state5.row_max);
    s5[1] = softmax_weight(s5[1], state5.row_max);
    s5[2] = softmax_weight(s5[2], state5.row_max);
    s5[3] = softmax_weight(s5[3], state5.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state5.row_sum += s5.x + s5.y + s5.z + s5.w;
    s5 = held(s5);
    held5 = held5 * factor5 + s5.x + s5.y + s5.z + s5.w;
    weights[(first_row + 17u) * SCORED + column] = vec4<f16>(s5);
    s6[0] = softmax_weight(s6[0], state6.row_max);
    s6[1] = softmax_weight(s6[1], state6.row_max);
    s6[2] = softmax_weight(s6[2], state6.row_max);
    s6[3] = softmax_weight(s6[3], state6.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state6.row_sum += s6.x + s6.y + s6.z + s6.w;
    s6 = held(s6);
    held6 = held6 * factor6 + s6.x + s6.y + s6.z + s6.w;
    weights[(first_row + 18u) * SCORED + column] = vec4<f16>(s6);
    s7[0] = softmax_weight(s7[0], state7.row_max);
    s7[1] = softmax_weight(s7[1], state7.row_max);
    s7[2] = softmax_weight(s7[2], state7.row_max);
    s7[3] = softmax_weight(s7[3], state7.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state7.row_sum += s7.x + s7.y + s7.z + s7.w;
    s7 = held(s7);
    held7 = held7 * factor7 + s7.x + s7.y + s7.z + s7.w;
    weights[(first_row + 19u) * SCORED + column] = vec4<f16>(s7);
    kv_tile[thread / 16u * STAGED + thread % 16u] = v0;
    kv_tile[(thread + 128u) / 16u * STAGED + (thread + 128u) % 16u] = v1;
    kv_tile[(thread + 256u) / 16u * STAGED + (thread + 256u) % 16u] = v2;
    kv_tile[(thread + 384u) / 16u * STAGED + (thread + 384u) % 16u] = v3;
    workgroupBarrier();
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, own_rows * SCORED, SCORED);
      let weights1 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, (own_rows + 16u) * SCORED, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 0u, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
        acc[4u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[4u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 4u, STAGED);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[1u]);
        acc[5u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[5u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 8u, STAGED);
        acc[2u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[2u]);
        acc[6u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[6u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 12u, STAGED);
        acc[3u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[3u]);
        acc[7u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[7u]);
      }
    }
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, own_rows * SCORED + 4u, SCORED);
      let weights1 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&weights, (own_rows + 16u) * SCORED + 4u, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 16u * STAGED, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
        acc[4u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[4u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 16u * STAGED + 4u, STAGED);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[1u]);
        acc[5u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[5u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 16u * STAGED + 8u, STAGED);
        acc[2u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[2u]);
        acc[6u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[6u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 16u * STAGED + 12u, STAGED);
        acc[3u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[3u]);
        acc[7u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[7u]);
      }
    }
  }

  state0.row_sum = row_sum(state0.row_sum);
  let unrounded0 = state0.row_sum / max(row_sum(held0), 1.0e-37);
  let norm0 = finish_row(&state0, row0, work.split) * unrounded0;
  if (column == 0u && work.first_row + first_row < work.rows) {
    write_lse(state0, row0, work.split);
  }
  state1.row_sum = row_sum(state1.row_sum);
  let unrounded1 = state1.row_sum / max(row_sum(held1), 1.0e-37);
  let norm1 = finish_row(&state1, row1, work.split) * unrounded1;
  if (column == 0u && work.first_row + first_row + 1u < work.rows) {
    write_lse(state1, row1, work.split);
  }
  state2.row_sum = row_sum(state2.row_sum);
  let unrounded2 = state2.row_sum / max(row_sum(held2), 1.0e-37);
  let norm2 = finish_row(&state2, row2, work.split) * unrounded2;
  if (column == 0u && work.first_row + first_row + 2u < work.rows) {
    write_lse(state2, row2, work.split);
  }
  state3.row_sum = row_sum(state3.row_sum);
  let unrounded3 = state3.row_sum / max(row_sum(held3), 1.0e-37);
  let norm3 = finish_row(&state3, row3, work.split) * unrounded3;
  if (column == 0u && work.first_row + first_row + 3u < work.rows) {
    write_lse(state3, row3, work.split);
  }
  state4.row_sum = row_sum(state4.row_sum);
  let unrounded4 = state4.row_sum / max(row_sum(held4), 1.0e-37);
  let norm4 = finish_row(&state4, row4, work.split) * unrounded4;
  if (column == 0u && work.first_row + first_row + 16u < work.rows) {
    write_lse(state4, row4, work.split);
  }
  state5.row_sum = row_sum(state5.row_sum);
  let unrounded5 = state5.row_sum / max(row_sum(held5), 1.0e-37);
  let norm5 = finish_row(&state5, row5, work.split) * unrounded5;
  if (column == 0u && work.first_row + first_row + 17u < work.rows) {
    write_lse(state5, row5, work.split);
  }
  state6.row_sum = row_sum(state6.row_sum);
  let unrounded6 = state6.row_sum / max(row_sum(held6), 1.0e-37);
  let norm6 = finish_row(&state6, row6, work.split) * unrounded6;
  if (column == 0u && work.first_row + first_row + 18u < work.rows) {
    write_lse(state6, row6, work.split);
  }
  state7.row_sum = row_sum(state7.row_sum);
  let unrounded7 = state7.row_sum / max(row_sum(held7), 1.0e-37);
  let norm7 = finish_row(&state7, row7, work.split) * unrounded7;
  if (column == 0u && work.first_row + first_row + 19u < work.rows) {
    write_lse(state7, row7, work.split);
  }
  workgroupBarrier();
  {
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[0u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[1u], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row < work.rows) {
      write_out(out_row_offset(row0, work.split), column * 4u, scores[pass_row * SCORED + column] * norm0);
    }
    if (work.first_row + first_row + 1u < work.rows) {
      write_out(out_row_offset(row1, work.split), column * 4u, scores[(pass_row + 1u) * SCORED + column] * norm1);
    }
    if (work.first_row + first_row + 2u < work.rows) {
      write_out(out_row_offset(row2, work.split), column * 4u, scores[(pass_row + 2u) * SCORED + column] * norm2);
    }
    if (work.first_row + first_row + 3u < work.rows) {
      write_out(out_row_offset(row3, work.split), column * 4u, scores[(pass_row + 3u) * SCORED + column] * norm3);
    }
    workgroupBarrier();
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[4u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[5u], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row + 16u < work.rows) {
      write_out(out_row_offset(row4, work.split), column * 4u, scores[pass_row * SCORED + column] * norm4);
    }
    if (work.first_row + first_row + 17u < work.rows) {
      write_out(out_row_offset(row5, work.split), column * 4u, scores[(pass_row + 1u) * SCORED + column] * norm5);
    }
    if (work.first_row + first_row + 18u < work.rows) {
      write_out(out_row_offset(row6, work.split), column * 4u, scores[(pass_row + 2u) * SCORED + column] * norm6);
    }
    if (work.first_row + first_row + 19u < work.rows) {
      write_out(out_row_offset(row7, work.split), column * 4u, scores[(pass_row + 3u) * SCORED + column] * norm7);
    }
    workgroupBarrier();
  }
  {
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[2u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[3u], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row < work.rows) {
      write_out(out_row_offset(row0, work.split), column * 4u + 32u, scores[pass_row * SCORED + column] * norm0);
    }
    if (work.first_row + first_row + 1u < work.rows) {
      write_out(out_row_offset(row1, work.split), column * 4u + 32u, scores[(pass_row + 1u) * SCORED + column] * norm1);
    }
    if (work.first_row + first_row + 2u < work.rows) {
      write_out(out_row_offset(row2, work.split), column * 4u + 32u, scores[(pass_row + 2u) * SCORED + column] * norm2);
    }
    if (work.first_row + first_row + 3u < work.rows) {
      write_out(out_row_offset(row3, work.split), column * 4u + 32u, scores[(pass_row + 3u) * SCORED + column] * norm3);
    }
    workgroupBarrier();
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED, acc[6u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, subgroup * 16u * SCORED + 4u, acc[7u], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row + 16u < work.rows) {
      write_out(out_row_offset(row4, work.split), column * 4u + 32u, scores[pass_row * SCORED + column] * norm4);
    }
    if (work.first_row + first_row + 17u < work.rows) {
      write_out(out_row_offset(row5, work.split), column * 4u + 32u, scores[(pass_row + 1u) * SCORED + column] * norm5);
    }
    if (work.first_row + first_row + 18u < work.rows) {
      write_out(out_row_offset(row6, work.split), column * 4u + 32u, scores[(pass_row + 2u) * SCORED + column] * norm6);
    }
    if (work.first_row + first_row + 19u < work.rows) {
      write_out(out_row_offset(row7, work.split), column * 4u + 32u, scores[(pass_row + 3u) * SCORED + column] * norm7);
    }
    workgroupBarrier();
  }
}
