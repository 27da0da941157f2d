enable chromium_experimental_subgroup_matrix;
enable subgroups;

// q=f32 kv=f32 out=f32 | d=17 dv=5 | dense strided | read=scalar write=scalar | rows=head | hooks=band | path=matrix M=8 N=8 K=8 components=f32 subgroupSize=32 isPinned=false subgroups=4 rowBlocks=2 sharing=1 keepsRows=true unroll=true

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

const TILE_M = 64u;

fn read_q_at(index: u32) -> f32 {
  return q[index];
}

fn read_k_at(index: u32) -> f32 {
  return k[index];
}

fn read_v_at(index: u32) -> f32 {
  return v[index];
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  out[row + d * params.out_dim] = x[0];
  if (d + 1u < 5u) {
    out[row + (d + 1u) * params.out_dim] = x[1];
  }
  if (d + 2u < 5u) {
    out[row + (d + 2u) * params.out_dim] = x[2];
  }
  if (d + 3u < 5u) {
    out[row + (d + 3u) * params.out_dim] = x[3];
  }
}

// Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
// different banks.
const STAGED = 8u;
const SCORED = 10u;
var<workgroup> kv_tile: array<vec4<f32>, 254>; // 4064 bytes
var<workgroup> scores: array<vec4<f32>, 638>; // 10208 bytes

fn staged_k(seq: Sequence, head: u32, first_key: u32, i: u32) -> vec4<f32> {
  let key = min(first_key + i / 6u, seq.k_len - 1u);
  let d = min(i % 6u * 4u, 16u);
  return read_k(k_row_offset(seq, head, key), d);
}

fn staged_v(seq: Sequence, head: u32, first_key: u32, i: u32) -> vec4<f32> {
  let key = min(first_key + i / 2u, seq.k_len - 1u);
  let d = i % 2u * 4u;
  return read_v(v_row_offset(seq, head, key), d);
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
  let own_rows = subgroup * 16u;
  let first_row = own_rows + lane / 8u * 4u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  let row1 = make_row(work, work.first_row + first_row + 1u);
  var state1 = softmax_init();
  let row2 = make_row(work, work.first_row + first_row + 2u);
  var state2 = softmax_init();
  let row3 = make_row(work, work.first_row + first_row + 3u);
  var state3 = softmax_init();
  var query = array<subgroup_matrix_left<f32, 8, 8>, 6>();
  {
    workgroupBarrier();
    scores[first_row * SCORED + column] = select(vec4<f32>(), read_q(q_row_offset(row0), min(column * 4u, 16u)) * q_scale(), column * 4u < 17u);
    scores[(first_row + 1u) * SCORED + column] = select(vec4<f32>(), read_q(q_row_offset(row1), min(column * 4u, 16u)) * q_scale(), column * 4u < 17u);
    scores[(first_row + 2u) * SCORED + column] = select(vec4<f32>(), read_q(q_row_offset(row2), min(column * 4u, 16u)) * q_scale(), column * 4u < 17u);
    scores[(first_row + 3u) * SCORED + column] = select(vec4<f32>(), read_q(q_row_offset(row3), min(column * 4u, 16u)) * q_scale(), column * 4u < 17u);
    workgroupBarrier();
    {
      query[0u] = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED, SCORED);
      query[3u] = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED, SCORED);
    }
    {
      query[1u] = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED + 2u, SCORED);
      query[4u] = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED + 2u, SCORED);
    }
    {
      query[2u] = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED + 4u, SCORED);
      query[5u] = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED + 4u, SCORED);
    }
  }
  var acc = array<subgroup_matrix_result<f32, 8, 8>, 2>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    let k0 = staged_k(work.seq, head, first_key, thread);
    let k1 = staged_k(work.seq, head, first_key, thread + 128u);
    workgroupBarrier();
    kv_tile[thread / 6u * STAGED + thread % 6u] = k0;
    if (thread + 128u < 192u) {
      kv_tile[(thread + 128u) / 6u * STAGED + (thread + 128u) % 6u] = k1;
    }
    if (thread == 0u) {
      atomicStore(&grown, 0u);
    }
    workgroupBarrier();
    var sums = array<subgroup_matrix_result<f32, 8, 8>, 8>();
    {
      let query0 = query[0u];
      let query1 = query[3u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 0u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
        sums[4u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[4u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 8u * STAGED, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
        sums[5u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[5u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 16u * STAGED, STAGED);
        sums[2u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[2u]);
        sums[6u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[6u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 24u * STAGED, STAGED);
        sums[3u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[3u]);
        sums[7u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[7u]);
      }
    }
    {
      let query0 = query[1u];
      let query1 = query[4u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 2u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
        sums[4u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[4u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 8u * STAGED + 2u, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
        sums[5u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[5u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 16u * STAGED + 2u, STAGED);
        sums[2u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[2u]);
        sums[6u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[6u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 24u * STAGED + 2u, STAGED);
        sums[3u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[3u]);
        sums[7u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[7u]);
      }
    }
    {
      let query0 = query[2u];
      let query1 = query[5u];
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 4u, STAGED);
        sums[0u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[0u]);
        sums[4u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[4u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 8u * STAGED + 4u, STAGED);
        sums[1u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[1u]);
        sums[5u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[5u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 16u * STAGED + 4u, STAGED);
        sums[2u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[2u]);
        sums[6u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[6u]);
      }
      {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&kv_tile, 24u * STAGED + 4u, STAGED);
        sums[3u] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[3u]);
        sums[7u] = subgroupMatrixMultiplyAccumulate(query1, keys, sums[7u]);
      }
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, sums[0u], SCORED);
      subgroupMatrixStore<row_major>(&scores, (own_rows + 8u) * SCORED, sums[4u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + 2u, sums[1u], SCORED);
      subgroupMatrixStore<row_major>(&scores, (own_rows + 8u) * SCORED + 2u, sums[5u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + 4u, sums[2u], SCORED);
      subgroupMatrixStore<row_major>(&scores, (own_rows + 8u) * SCORED + 4u, sums[6u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + 6u, sums[3u], SCORED);
      subgroupMatrixStore<row_major>(&scores, (own_rows + 8u) * SCORED + 6u, sums[7u], SCORED);
    }
    workgroupBarrier();
    var s0 = scores[first_row * SCORED + column];
    var s1 = scores[(first_row + 1u) * SCORED + column];
    var s2 = scores[(first_row + 2u) * SCORED + column];
    var s3 = scores[(first_row + 3u) * SCORED + column];
    let v0 = staged_v(work.seq, head, first_key, thread);

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
    }
    let factor0 = softmax_raise(&state0, row_max(s0));
    let factor1 = softmax_raise(&state1, row_max(s1));
    let factor2 = softmax_raise(&state2, row_max(s2));
    let factor3 = softmax_raise(&state3, row_max(s3));
    if (min(min(min(factor0, factor1), factor2), factor3) < 1.0) {
      atomicStore(&grown, 1u);
    }
    // Rows that need no other factor pass with 1, so that their bits do not depend on the rest of the tile.
    if (workgroupUniformLoad(&grown) != 0u) {
      {
        {
          subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, acc[0u], SCORED);
          subgroupMatrixStore<row_major>(&scores, (own_rows + 8u) * SCORED, acc[1u], SCORED);
        }
        workgroupBarrier();
        scores[first_row * SCORED + column] *= factor0;
        scores[(first_row + 1u) * SCORED + column] *= factor1;
        scores[(first_row + 2u) * SCORED + column] *= factor2;
        scores[(first_row + 3u) * SCORED + column] *= factor3;
        workgroupBarrier();
        {
          acc[0u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 8, 8>, row_major>(&scores, own_rows * SCORED, SCORED);
          acc[1u] = subgroupMatrixLoad<subgroup_matrix_result<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED, SCORED);
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
    scores[first_row * SCORED + column] = s0;
    s1[0] = softmax_weight(s1[0], state1.row_max);
    s1[1] = softmax_weight(s1[1], state1.row_max);
    s1[2] = softmax_weight(s1[2], state1.row_max);
    s1[3] = softmax_weight(s1[3], state1.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state1.row_sum += s1.x + s1.y + s1.z + s1.w;
    scores[(first_row + 1u) * SCORED + column] = s1;
    s2[0] = softmax_weight(s2[0], state2.row_max);
    s2[1] = softmax_weight(s2[1], state2.row_max);
    s2[2] = softmax_weight(s2[2], state2.row_max);
    s2[3] = softmax_weight(s2[3], state2.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state2.row_sum += s2.x + s2.y + s2.z + s2.w;
    scores[(first_row + 2u) * SCORED + column] = s2;
    s3[0] = softmax_weight(s3[0], state3.row_max);
    s3[1] = softmax_weight(s3[1], state3.row_max);
    s3[2] = softmax_weight(s3[2], state3.row_max);
    s3[3] = softmax_weight(s3[3], state3.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state3.row_sum += s3.x + s3.y + s3.z + s3.w;
    scores[(first_row + 3u) * SCORED + column] = s3;
    if (thread < 64u) {
      kv_tile[thread / 2u * STAGED + thread % 2u] = v0;
    }
    workgroupBarrier();
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED, SCORED);
      let weights1 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&kv_tile, 0u, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[1u]);
      }
    }
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED + 2u, SCORED);
      let weights1 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED + 2u, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&kv_tile, 8u * STAGED, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[1u]);
      }
    }
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED + 4u, SCORED);
      let weights1 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED + 4u, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&kv_tile, 16u * STAGED, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[1u]);
      }
    }
    {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, own_rows * SCORED + 6u, SCORED);
      let weights1 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&scores, (own_rows + 8u) * SCORED + 6u, SCORED);
      {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&kv_tile, 24u * STAGED, STAGED);
        acc[0u] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[0u]);
        acc[1u] = subgroupMatrixMultiplyAccumulate(weights1, values, acc[1u]);
      }
    }
  }

  state0.row_sum = row_sum(state0.row_sum);
  let norm0 = finish_row(&state0, row0, work.split);
  if (column == 0u && work.first_row + first_row < work.rows) {
    write_lse(state0, row0, work.split);
  }
  state1.row_sum = row_sum(state1.row_sum);
  let norm1 = finish_row(&state1, row1, work.split);
  if (column == 0u && work.first_row + first_row + 1u < work.rows) {
    write_lse(state1, row1, work.split);
  }
  state2.row_sum = row_sum(state2.row_sum);
  let norm2 = finish_row(&state2, row2, work.split);
  if (column == 0u && work.first_row + first_row + 2u < work.rows) {
    write_lse(state2, row2, work.split);
  }
  state3.row_sum = row_sum(state3.row_sum);
  let norm3 = finish_row(&state3, row3, work.split);
  if (column == 0u && work.first_row + first_row + 3u < work.rows) {
    write_lse(state3, row3, work.split);
  }
  workgroupBarrier();
  {
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED, acc[0u], SCORED);
      subgroupMatrixStore<row_major>(&scores, (own_rows + 8u) * SCORED, acc[1u], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row < work.rows && column * 4u < 5u) {
      write_out(out_row_offset(row0, work.split), column * 4u, scores[first_row * SCORED + column] * norm0);
    }
    if (work.first_row + first_row + 1u < work.rows && column * 4u < 5u) {
      write_out(out_row_offset(row1, work.split), column * 4u, scores[(first_row + 1u) * SCORED + column] * norm1);
    }
    if (work.first_row + first_row + 2u < work.rows && column * 4u < 5u) {
      write_out(out_row_offset(row2, work.split), column * 4u, scores[(first_row + 2u) * SCORED + column] * norm2);
    }
    if (work.first_row + first_row + 3u < work.rows && column * 4u < 5u) {
      write_out(out_row_offset(row3, work.split), column * 4u, scores[(first_row + 3u) * SCORED + column] * norm3);
    }
    workgroupBarrier();
  }
}
