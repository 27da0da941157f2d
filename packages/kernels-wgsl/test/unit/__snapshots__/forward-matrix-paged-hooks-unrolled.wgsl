// q=f16 kv=f16 out=f16 | d=40 dv=36 | varlen paged | read=vec4 write=vec4 | rows=group | hooks=softcap+alibi+band | path=matrix M=8 N=16 K=16 threadsM=8 rowsPerThread=1 unroll=true

// Padded rows keep neighbours in different banks; matrices begin at multiples of 16 bytes.
const STAGED = 18u;
var<workgroup> q_tile: array<vec4<f16>, 144>; // 1152 bytes
var<workgroup> kv_tile: array<vec4<f16>, 576>; // 4608 bytes
var<workgroup> weights: array<vec4<f16>, 80>; // 640 bytes
var<workgroup> rests: array<vec4<f16>, 80>; // 640 bytes
var<workgroup> product: array<vec4<f32>, 72>; // 1152 bytes
var<workgroup> partial: array<f32, 64>; // 256 bytes

// The rows, filled up with zeros to 64 elements, of q of the tile's query rows.
fn stage_q(work: Work, thread: u32) {
  for (var step = 0u; step < 2u; step++) {
    let i = thread + step * 64u;
    let row = make_row(work, work.first_row + i / 16u);
    let d = i % 16u * 4u;
    let x = read_q(q_row_offset(row), min(d, 36u));
    q_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(select(vec4<f32>(), x, d < 40u));
  }
}

// The rows, filled up with zeros to 64 elements, of k of the tile's keys.
fn stage_k(seq: Sequence, head: u32, first_key: u32, thread: u32) {
  for (var step = 0u; step < 8u; step++) {
    let i = thread + step * 64u;
    let key = min(first_key + i / 16u, seq.k_len - 1u);
    let d = i % 16u * 4u;
    let x = read_k(k_row_offset(seq, head, key), min(d, 36u));
    kv_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// The rows, filled up with zeros to 64 elements, of v of the tile's keys.
fn stage_v(seq: Sequence, head: u32, first_key: u32, thread: u32) {
  for (var step = 0u; step < 8u; step++) {
    let i = thread + step * 64u;
    let key = min(first_key + i / 16u, seq.k_len - 1u);
    let d = i % 16u * 4u;
    let x = read_v(v_row_offset(seq, head, key), min(d, 32u));
    kv_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// product = q · k of the tile.
fn multiply_keys(subgroup: u32, subgroups: u32) {
  for (var matrix = subgroup; matrix < 2u; matrix += subgroups) {
    let row = matrix / 2u * 8u;
    let column = matrix % 2u * 16u;
    var sum = subgroup_matrix_result<f32, 16, 8>();
    for (var inner = 0u; inner < 48u; inner += 16u) {
      let right = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, column * STAGED + inner / 4u, STAGED);
      let q_tile_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&q_tile, row * STAGED + inner / 4u, STAGED);
      sum = subgroupMatrixMultiplyAccumulate(q_tile_left, right, sum);
    }
    subgroupMatrixStore<row_major>(&product, row * 9u + column / 4u, sum, 9u);
  }
}

// product = weights · 32 columns of v, from vector `first` on.
fn multiply_values(first: u32, subgroup: u32, subgroups: u32) {
  for (var matrix = subgroup; matrix < 2u; matrix += subgroups) {
    let row = matrix / 2u * 8u;
    let column = matrix % 2u * 16u;
    var sum = subgroup_matrix_result<f32, 16, 8>();
    for (var inner = 0u; inner < 32u; inner += 16u) {
      let right = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, inner * STAGED + first + column / 4u, STAGED);
      let weights_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, row * 10u + inner / 4u, 10u);
      sum = subgroupMatrixMultiplyAccumulate(weights_left, right, sum);
      let rests_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&rests, row * 10u + inner / 4u, 10u);
      sum = subgroupMatrixMultiplyAccumulate(rests_left, right, sum);
    }
    subgroupMatrixStore<row_major>(&product, row * 9u + column / 4u, sum, 9u);
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
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
  let column = thread % 8u;
  let first_row = thread / 8u * 1u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var acc0 = array<vec4<f32>, 2>();
  stage_q(work, thread);

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    workgroupBarrier();
    stage_k(work.seq, head, first_key, thread);
    workgroupBarrier();
    multiply_keys(subgroup, subgroups);
    workgroupBarrier();
    var s0 = product[first_row * 9u + column] * q_scale();

    let key0 = i32(first_key + column * 4u);
    let key1 = i32(first_key + column * 4u + 1u);
    let key2 = i32(first_key + column * 4u + 2u);
    let key3 = i32(first_key + column * 4u + 3u);
    s0[0] = mod_score(s0[0], row0, key0);
    s0[1] = mod_score(s0[1], row0, key1);
    s0[2] = mod_score(s0[2], row0, key2);
    s0[3] = mod_score(s0[3], row0, key3);
    if (tile_class == PARTIAL) {
      s0[0] = masked_score(s0[0], row0, key0);
      s0[1] = masked_score(s0[1], row0, key1);
      s0[2] = masked_score(s0[2], row0, key2);
      s0[3] = masked_score(s0[3], row0, key3);
    }
    partial[first_row * 8u + column] = max(max(s0.x, s0.y), max(s0.z, s0.w));
    workgroupBarrier();
    var tile_max0 = MASKED;
    for (var i = 0u; i < 8u; i++) {
      tile_max0 = max(tile_max0, partial[first_row * 8u + i]);
    }
    let factor0 = softmax_rescale(&state0, tile_max0);
    s0[0] = softmax_weight(s0[0], state0.row_max);
    s0[1] = softmax_weight(s0[1], state0.row_max);
    s0[2] = softmax_weight(s0[2], state0.row_max);
    s0[3] = softmax_weight(s0[3], state0.row_max);
    // A thread sums its own keys only; the columns meet in the end.
    state0.row_sum += s0.x + s0.y + s0.z + s0.w;
    keep_weights(first_row * 10u + column, s0);

    stage_v(work.seq, head, first_key, thread);
    {
      workgroupBarrier();
      multiply_values(0u * 8u, subgroup, subgroups);
      workgroupBarrier();
      acc0[0u] = acc0[0u] * factor0 + product[first_row * 9u + column] / WEIGHT_SCALE;
    }
    {
      workgroupBarrier();
      multiply_values(1u * 8u, subgroup, subgroups);
      workgroupBarrier();
      acc0[1u] = acc0[1u] * factor0 + product[first_row * 9u + column] / WEIGHT_SCALE;
    }
  }

  workgroupBarrier();
  partial[first_row * 8u + column] = state0.row_sum;
  workgroupBarrier();
  state0.row_sum = 0.0;
  for (var i = 0u; i < 8u; i++) {
    state0.row_sum += partial[first_row * 8u + i];
  }
  if (work.first_row + first_row < work.rows) {
    let sink = apply_sink(&state0, row0, work.split);
    let norm = sink * softmax_norm(state0);
    let out_row = out_row_offset(row0, work.split);
    {
      let d = 0u * 32u + column * 4u;
      if (d < 36u) {
        write_out(out_row, d, acc0[0u] * norm);
      }
    }
    {
      let d = 1u * 32u + column * 4u;
      if (d < 36u) {
        write_out(out_row, d, acc0[1u] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state0, row0, work.split);
    }
  }
}
