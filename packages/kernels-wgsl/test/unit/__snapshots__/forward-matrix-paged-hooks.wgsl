// q=f16 kv=f16 out=f16 | d=40 dv=36 | varlen paged | read=vec4 write=vec4 | rows=group | hooks=softcap+alibi+band | path=matrix M=8 N=16 K=16 components=f16 subgroupSize=32 isPinned=false subgroups=4 rowBlocks=1 sharing=1 keepsRows=true unroll=true

// Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
// different banks.
const STAGED = 14u;
const SCORED = 10u;
var<workgroup> kv_tile: array<vec4<f16>, 446>; // 3568 bytes
var<workgroup> scores: array<vec4<f32>, 318>; // 5088 bytes
var<workgroup> weights: array<vec4<f16>, 318>; // 2544 bytes

fn staged_k(seq: Sequence, head: u32, first_key: u32, i: u32) -> vec4<f16> {
  let key = min(first_key + i / 12u, seq.k_len - 1u);
  let d = min(i % 12u * 4u, 36u);
  return vec4<f16>(read_k(k_row_offset(seq, head, key), d));
}

fn staged_v(seq: Sequence, head: u32, first_key: u32, i: u32) -> vec4<f16> {
  let key = min(first_key + i / 12u, seq.k_len - 1u);
  let d = min(i % 12u * 4u, 32u);
  return vec4<f16>(read_v(v_row_offset(seq, head, key), d));
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
  let work = find_work(unit);
  if (work.first_row >= work.rows) {
    return;
  }
  let head = kv_head(work);
  let span = tile_span(work);
  let thread = subgroup * 32u + lane;
  let column = lane % 8u;
  let own_rows = subgroup * 8u;
  let first_row = own_rows + lane / 8u * 2u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var held0 = 0.0;
  let row1 = make_row(work, work.first_row + first_row + 1u);
  var state1 = softmax_init();
  var held1 = 0.0;
  var query = array<subgroup_matrix_left<f16, 16, 8>, 3>();
  {
    workgroupBarrier();
    weights[first_row * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_q(q_row_offset(row0), min(column * 4u, 36u))), column * 4u < 40u);
    weights[(first_row + 1u) * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_q(q_row_offset(row1), min(column * 4u, 36u))), column * 4u < 40u);
    workgroupBarrier();
    {
      query[0u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, own_rows * SCORED, SCORED);
    }
    {
      query[1u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, own_rows * SCORED + 4u, SCORED);
    }
  }
  {
    workgroupBarrier();
    weights[first_row * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_q(q_row_offset(row0), min(column * 4u + 32u, 36u))), column * 4u + 32u < 40u);
    weights[(first_row + 1u) * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_q(q_row_offset(row1), min(column * 4u + 32u, 36u))), column * 4u + 32u < 40u);
    workgroupBarrier();
    {
      query[2u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, own_rows * SCORED, SCORED);
    }
  }
  var acc = array<subgroup_matrix_result<f32, 16, 8>, 3>();

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
    workgroupBarrier();
    kv_tile[thread / 12u * STAGED + thread % 12u] = k0;
    kv_tile[(thread + 128u) / 12u * STAGED + (thread + 128u) % 12u] = k1;
    kv_tile[(thread + 256u) / 12u * STAGED + (thread + 256u) % 12u] = k2;
    if (thread == 0u) {
      atomicStore(&grown, 0u);
    }
    workgroupBarrier();
    var sums = array<subgroup_matrix_result<f32, 16, 8>, 2>();
    {
      let query0 = query[0u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 0u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 16u * STAGED, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
      }
    }
    {
      let query0 = query[1u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 4u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 16u * STAGED + 4u, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
      }
    }
    {
      let query0 = query[2u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 8u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, 16u * STAGED + 8u, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
      }
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, sums[0u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + 4u, sums[1u], SCORED);
    }
    workgroupBarrier();
    var s0 = scores[first_row * SCORED + column] * q_scale();
    var s1 = scores[(first_row + 1u) * SCORED + column] * q_scale();
    let v0 = staged_v(work.seq, head, first_key, thread);
    let v1 = staged_v(work.seq, head, first_key, thread + 128u);
    let v2 = staged_v(work.seq, head, first_key, thread + 256u);

    let key = i32(first_key + column * 4u);
    s0[0] = mod_score(s0[0], row0, key);
    s0[1] = mod_score(s0[1], row0, key + 1);
    s0[2] = mod_score(s0[2], row0, key + 2);
    s0[3] = mod_score(s0[3], row0, key + 3);
    s1[0] = mod_score(s1[0], row1, key);
    s1[1] = mod_score(s1[1], row1, key + 1);
    s1[2] = mod_score(s1[2], row1, key + 2);
    s1[3] = mod_score(s1[3], row1, key + 3);
    if (tile_class == PARTIAL) {
      s0[0] = masked_score(s0[0], row0, key);
      s0[1] = masked_score(s0[1], row0, key + 1);
      s0[2] = masked_score(s0[2], row0, key + 2);
      s0[3] = masked_score(s0[3], row0, key + 3);
      s1[0] = masked_score(s1[0], row1, key);
      s1[1] = masked_score(s1[1], row1, key + 1);
      s1[2] = masked_score(s1[2], row1, key + 2);
      s1[3] = masked_score(s1[3], row1, key + 3);
    }
    let factor0 = softmax_raise(&state0, row_max(s0));
    let factor1 = softmax_raise(&state1, row_max(s1));
    if (min(factor0, factor1) < 1.0) {
      atomicStore(&grown, 1u);
    }
    // Rows that need no other factor pass with 1, so that their bits do not depend on the rest of the tile.
    if (workgroupUniformLoad(&grown) != 0u) {
      {
        {
          subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, acc[0u], SCORED);
        }
        {
          subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + 4u, acc[1u], SCORED);
        }
        workgroupBarrier();
        scores[first_row * SCORED + column] *= factor0;
        scores[(first_row + 1u) * SCORED + column] *= factor1;
        workgroupBarrier();
        {
          acc[0u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 8>, row_major>(&scores, own_rows * SCORED, SCORED);
        }
        {
          acc[1u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 8>, row_major>(&scores, own_rows * SCORED + 4u, SCORED);
        }
        workgroupBarrier();
      }
      {
        {
          subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, acc[2u], SCORED);
        }
        workgroupBarrier();
        scores[first_row * SCORED + column] *= factor0;
        scores[(first_row + 1u) * SCORED + column] *= factor1;
        workgroupBarrier();
        {
          acc[2u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 16, 8>, row_major>(&scores, own_rows * SCORED, SCORED);
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
    kv_tile[thread / 12u * STAGED + thread % 12u] = v0;
    kv_tile[(thread + 128u) / 12u * STAGED + (thread + 128u) % 12u] = v1;
    kv_tile[(thread + 256u) / 12u * STAGED + (thread + 256u) % 12u] = v2;
    workgroupBarrier();
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, own_rows * SCORED, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 0u, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 4u, STAGED);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[1u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 8u, STAGED);
        acc[2u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[2u]);
      }
    }
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, own_rows * SCORED + 4u, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 16u * STAGED, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 16u * STAGED + 4u, STAGED);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[1u]);
      }
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, 16u * STAGED + 8u, STAGED);
        acc[2u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[2u]);
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
  workgroupBarrier();
  {
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, acc[0u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + 4u, acc[1u], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row < work.rows && column * 4u < 36u) {
      write_out(out_row_offset(row0, work.split), column * 4u, scores[first_row * SCORED + column] * norm0);
    }
    if (work.first_row + first_row + 1u < work.rows && column * 4u < 36u) {
      write_out(out_row_offset(row1, work.split), column * 4u, scores[(first_row + 1u) * SCORED + column] * norm1);
    }
    workgroupBarrier();
  }
  {
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, acc[2u], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row < work.rows && column * 4u + 32u < 36u) {
      write_out(out_row_offset(row0, work.split), column * 4u + 32u, scores[first_row * SCORED + column] * norm0);
    }
    if (work.first_row + first_row + 1u < work.rows && column * 4u + 32u < 36u) {
      write_out(out_row_offset(row1, work.split), column * 4u + 32u, scores[(first_row + 1u) * SCORED + column] * norm1);
    }
    workgroupBarrier();
  }
}
