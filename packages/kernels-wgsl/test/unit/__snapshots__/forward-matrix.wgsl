enable chromium_experimental_subgroup_matrix;
enable subgroups;
enable f16;

// q=f16 kv=f16 out=f16 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band | path=matrix M=8 N=8 K=8 threadsM=8 rowsPerThread=2 unroll=false

@group(0) @binding(0) var<storage, read> q: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

// Padded rows keep neighbours in different banks; matrices begin at multiples of 16 bytes.
const STAGED = 18u;
var<workgroup> q_tile: array<vec4<f16>, 288>; // 2304 bytes
var<workgroup> kv_tile: array<vec4<f16>, 576>; // 4608 bytes
var<workgroup> weights: array<vec4<f16>, 160>; // 1280 bytes
var<workgroup> rests: array<vec4<f16>, 160>; // 1280 bytes
var<workgroup> product: array<vec4<f32>, 144>; // 2304 bytes
var<workgroup> partial: array<f32, 128>; // 512 bytes

// The rows, filled up with zeros to 64 elements, of q of the tile's query rows.
fn stage_q(work: Work, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let row = make_row(work, work.first_row + i / 16u);
    let d = i % 16u * 4u;
    let x = read_q(q_row_offset(row), d);
    q_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// The rows, filled up with zeros to 64 elements, of k of the tile's keys.
fn stage_k(seq: Sequence, head: u32, first_key: u32, thread: u32) {
  for (var i = thread; i < 512u; i += 64u) {
    let key = min(first_key + i / 16u, seq.k_len - 1u);
    let d = i % 16u * 4u;
    let x = read_k(k_row_offset(seq, head, key), d);
    kv_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// The rows, filled up with zeros to 64 elements, of v of the tile's keys.
fn stage_v(seq: Sequence, head: u32, first_key: u32, thread: u32) {
  for (var i = thread; i < 512u; i += 64u) {
    let key = min(first_key + i / 16u, seq.k_len - 1u);
    let d = i % 16u * 4u;
    let x = read_v(v_row_offset(seq, head, key), d);
    kv_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// At most 1; small ones need the range of f16 below that, so a power of two moves them up.
const WEIGHT_SCALE = 32768.0;

// Weights in two parts, which together have the precision of f32: what f16 holds of them, and the rest.
fn keep_weights(at: u32, x: vec4<f32>) {
  let scaled = x * WEIGHT_SCALE;
  let held = bitcast<vec4<f32>>(bitcast<vec4<u32>>(scaled) & vec4<u32>(0xffffe000u));
  weights[at] = vec4<f16>(held);
  rests[at] = vec4<f16>(scaled - held);
}

// product = q · k of the tile.
fn multiply_keys(subgroup: u32, subgroups: u32) {
  for (var matrix = subgroup; matrix < 8u; matrix += subgroups) {
    let row = matrix / 4u * 8u;
    let column = matrix % 4u * 8u;
    var sum = subgroup_matrix_result<f32, 8, 8>();
    for (var inner = 0u; inner < params.q_vecs * 4u; inner += 8u) {
      let right = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 8>, col_major>(&kv_tile, column * STAGED + inner / 4u, STAGED);
      let q_tile_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&q_tile, row * STAGED + inner / 4u, STAGED);
      sum = subgroupMatrixMultiplyAccumulate(q_tile_left, right, sum);
    }
    subgroupMatrixStore<row_major>(&product, row * 9u + column / 4u, sum, 9u);
  }
}

// product = weights · 32 columns of v, from vector `first` on.
fn multiply_values(first: u32, subgroup: u32, subgroups: u32) {
  for (var matrix = subgroup; matrix < 8u; matrix += subgroups) {
    let row = matrix / 4u * 8u;
    let column = matrix % 4u * 8u;
    var sum = subgroup_matrix_result<f32, 8, 8>();
    for (var inner = 0u; inner < params.chunk_vecs * 4u; inner += 8u) {
      let right = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 8>, row_major>(&kv_tile, inner * STAGED + first + column / 4u, STAGED);
      let weights_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&weights, row * 10u + inner / 4u, 10u);
      sum = subgroupMatrixMultiplyAccumulate(weights_left, right, sum);
      let rests_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&rests, row * 10u + inner / 4u, 10u);
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
  let first_row = thread / 8u * 2u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var acc0 = array<vec4<f32>, 2>();
  let row1 = make_row(work, work.first_row + first_row + 1u);
  var state1 = softmax_init();
  var acc1 = array<vec4<f32>, 2>();
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
    var s1 = product[(first_row + 1u) * 9u + column] * q_scale();

    let key0 = i32(first_key + column * 4u);
    let key1 = i32(first_key + column * 4u + 1u);
    let key2 = i32(first_key + column * 4u + 2u);
    let key3 = i32(first_key + column * 4u + 3u);
    if (tile_class == PARTIAL) {
      s0[0] = masked_score(s0[0], row0, key0);
      s0[1] = masked_score(s0[1], row0, key1);
      s0[2] = masked_score(s0[2], row0, key2);
      s0[3] = masked_score(s0[3], row0, key3);
      s1[0] = masked_score(s1[0], row1, key0);
      s1[1] = masked_score(s1[1], row1, key1);
      s1[2] = masked_score(s1[2], row1, key2);
      s1[3] = masked_score(s1[3], row1, key3);
    }
    partial[first_row * 8u + column] = max(max(s0.x, s0.y), max(s0.z, s0.w));
    partial[(first_row + 1u) * 8u + column] = max(max(s1.x, s1.y), max(s1.z, s1.w));
    workgroupBarrier();
    var tile_max0 = MASKED;
    for (var i = 0u; i < params.chunk_vecs; i++) {
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
    var tile_max1 = MASKED;
    for (var i = 0u; i < params.chunk_vecs; i++) {
      tile_max1 = max(tile_max1, partial[(first_row + 1u) * 8u + i]);
    }
    let factor1 = softmax_rescale(&state1, tile_max1);
    s1[0] = softmax_weight(s1[0], state1.row_max);
    s1[1] = softmax_weight(s1[1], state1.row_max);
    s1[2] = softmax_weight(s1[2], state1.row_max);
    s1[3] = softmax_weight(s1[3], state1.row_max);
    // A thread sums its own keys only; the columns meet in the end.
    state1.row_sum += s1.x + s1.y + s1.z + s1.w;
    keep_weights((first_row + 1u) * 10u + column, s1);

    stage_v(work.seq, head, first_key, thread);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      workgroupBarrier();
      multiply_values(chunk * 8u, subgroup, subgroups);
      workgroupBarrier();
      acc0[chunk] = acc0[chunk] * factor0 + product[first_row * 9u + column] / WEIGHT_SCALE;
      acc1[chunk] = acc1[chunk] * factor1 + product[(first_row + 1u) * 9u + column] / WEIGHT_SCALE;
    }
  }

  workgroupBarrier();
  partial[first_row * 8u + column] = state0.row_sum;
  partial[(first_row + 1u) * 8u + column] = state1.row_sum;
  workgroupBarrier();
  state0.row_sum = 0.0;
  for (var i = 0u; i < params.chunk_vecs; i++) {
    state0.row_sum += partial[first_row * 8u + i];
  }
  if (work.first_row + first_row < work.rows) {
    let sink = apply_sink(&state0, row0, work.split);
    let norm = sink * softmax_norm(state0);
    let out_row = out_row_offset(row0, work.split);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 64u) {
        write_out(out_row, d, acc0[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state0, row0, work.split);
    }
  }
  state1.row_sum = 0.0;
  for (var i = 0u; i < params.chunk_vecs; i++) {
    state1.row_sum += partial[(first_row + 1u) * 8u + i];
  }
  if (work.first_row + first_row + 1u < work.rows) {
    let sink = apply_sink(&state1, row1, work.split);
    let norm = sink * softmax_norm(state1);
    let out_row = out_row_offset(row1, work.split);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 64u) {
        write_out(out_row, d, acc1[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state1, row1, work.split);
    }
  }
}
