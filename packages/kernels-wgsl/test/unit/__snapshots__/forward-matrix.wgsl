enable chromium_experimental_subgroup_matrix;
enable subgroups;
enable f16;

// q=f16 kv=f16 out=f16 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band | path=matrix M=8 N=8 K=8 components=f16 subgroupSize=8 isPinned=false subgroups=4 rowBlocks=1 sharing=1 keepsRows=true unroll=false

@group(0) @binding(0) var<storage, read> q: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

// Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
// different banks.
const STAGED = 18u;
const SCORED = 10u;
var<workgroup> kv_tile: array<vec4<f16>, 574>; // 4592 bytes
var<workgroup> scores: array<vec4<f32>, 318>; // 5088 bytes
var<workgroup> weights: array<vec4<f16>, 318>; // 2544 bytes

// Whether a row of the tile needs a new reference.
var<workgroup> grown: atomic<u32>;

fn staged_k(seq: Sequence, head: u32, first_key: u32, i: u32) -> vec4<f16> {
  let key = min(first_key + i / 16u, seq.k_len - 1u);
  let d = i % 16u * 4u;
  return vec4<f16>(read_k(k_row_offset(seq, head, key), d));
}

fn staged_v(seq: Sequence, head: u32, first_key: u32, i: u32) -> vec4<f16> {
  let key = min(first_key + i / 16u, seq.k_len - 1u);
  let d = i % 16u * 4u;
  return vec4<f16>(read_v(v_row_offset(seq, head, key), d));
}

// Weights are relative to a reference, which changes when the row's maximum exceeds it by more than GROWTH. Then the
// maximum is ROOM above it.
const GROWTH = 15.0;
const ROOM = 5.0;

// Takes in a tile's maximum. Returns what earlier sums must be multiplied by: 1 unless there are any, and the reference
// changes. All lanes of a row get the same. `row_max` is the reference, `key_max` the maximum.
fn softmax_raise(state: ptr<function, Softmax>, tile_max: f32) -> f32 {
  (*state).key_max = max((*state).key_max, tile_max);
  if ((*state).key_max - max((*state).row_max, -HIGHEST) <= GROWTH) {
    return 1.0;
  }
  let reference = (*state).key_max - ROOM;
  let factor = select(1.0, softmax_weight((*state).row_max, reference), (*state).row_max > SEEN);
  (*state).row_max = reference;
  (*state).row_sum *= factor;
  return factor;
}

// The 8 lanes of a row are neighbours.
fn row_max(x: vec4<f32>) -> f32 {
  var most = max(max(x.x, x.y), max(x.z, x.w));
  most = max(most, subgroupShuffleXor(most, 1u));
  most = max(most, subgroupShuffleXor(most, 2u));
  return max(most, subgroupShuffleXor(most, 4u));
}

fn row_sum(x: f32) -> f32 {
  var sum = x + subgroupShuffleXor(x, 1u);
  sum += subgroupShuffleXor(sum, 2u);
  return sum + subgroupShuffleXor(sum, 4u);
}

// What f16 holds of weights. The output is divided by the sum of that, so that rounding down has no effect on its mean.
fn held(x: vec4<f32>) -> vec4<f32> {
  return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) & vec4<u32>(0xffffe000u));
}

@compute @workgroup_size(32)
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
  let thread = subgroup * 8u + lane;
  let column = lane % 8u;
  let own_rows = subgroup * 8u;
  let first_row = own_rows + lane / 8u * 8u;

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
  let row4 = make_row(work, work.first_row + first_row + 4u);
  var state4 = softmax_init();
  var held4 = 0.0;
  let row5 = make_row(work, work.first_row + first_row + 5u);
  var state5 = softmax_init();
  var held5 = 0.0;
  let row6 = make_row(work, work.first_row + first_row + 6u);
  var state6 = softmax_init();
  var held6 = 0.0;
  let row7 = make_row(work, work.first_row + first_row + 7u);
  var state7 = softmax_init();
  var held7 = 0.0;
  var query = array<subgroup_matrix_left<f16, 8, 8>, 8>();
  for (var chunk = 0u; chunk < ((params.q_vecs * 4u + 7u) / 8u + 3u) / 4u; chunk++) {
    workgroupBarrier();
    weights[first_row * SCORED + column] = vec4<f16>(read_q(q_row_offset(row0), chunk * 32u + column * 4u));
    weights[(first_row + 1u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row1), chunk * 32u + column * 4u));
    weights[(first_row + 2u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row2), chunk * 32u + column * 4u));
    weights[(first_row + 3u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row3), chunk * 32u + column * 4u));
    weights[(first_row + 4u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row4), chunk * 32u + column * 4u));
    weights[(first_row + 5u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row5), chunk * 32u + column * 4u));
    weights[(first_row + 6u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row6), chunk * 32u + column * 4u));
    weights[(first_row + 7u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row7), chunk * 32u + column * 4u));
    workgroupBarrier();
    for (var inner = 0u; inner < min(4u, (params.q_vecs * 4u + 7u) / 8u - chunk * 4u); inner++) {
      query[chunk * 4u + inner] = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&weights, own_rows * SCORED + inner * 2u, SCORED);
    }
  }
  var acc = array<subgroup_matrix_result<f32, 8, 8>, 8>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    workgroupBarrier();
    for (var i = thread; i < 512u; i += 32u) {
      kv_tile[i / 16u * STAGED + i % 16u] = staged_k(work.seq, head, first_key, i);
    }
    if (thread == 0u) {
      atomicStore(&grown, 0u);
    }
    workgroupBarrier();
    var sums = array<subgroup_matrix_result<f32, 8, 8>, 4>();
    for (var inner = 0u; inner < (params.q_vecs * 4u + 7u) / 8u; inner++) {
      let query0 = query[inner];
      for (var outer = 0u; outer < params.chunk_vecs * 4u / 8u; outer++) {
        let keys = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 8>, col_major>(&kv_tile, outer * 8u * STAGED + inner * 2u, STAGED);
        sums[outer] = subgroupMatrixMultiplyAccumulate(query0, keys, sums[outer]);
      }
    }
    for (var outer = 0u; outer < params.chunk_vecs * 4u / 8u; outer++) {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + outer * 2u, sums[outer], SCORED);
    }
    workgroupBarrier();
    var s0 = scores[first_row * SCORED + column] * q_scale();
    var s1 = scores[(first_row + 1u) * SCORED + column] * q_scale();
    var s2 = scores[(first_row + 2u) * SCORED + column] * q_scale();
    var s3 = scores[(first_row + 3u) * SCORED + column] * q_scale();
    var s4 = scores[(first_row + 4u) * SCORED + column] * q_scale();
    var s5 = scores[(first_row + 5u) * SCORED + column] * q_scale();
    var s6 = scores[(first_row + 6u) * SCORED + column] * q_scale();
    var s7 = scores[(first_row + 7u) * SCORED + column] * q_scale();

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
      for (var chunk = 0u; chunk < (((params.v_vecs * 4u + 7u) / 8u) + 3u) / 4u; chunk++) {
        for (var inner = 0u; inner < min(4u, ((params.v_vecs * 4u + 7u) / 8u) - chunk * 4u); inner++) {
          subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + inner * 2u, acc[chunk * 4u + inner], SCORED);
        }
        workgroupBarrier();
        scores[first_row * SCORED + column] *= factor0;
        scores[(first_row + 1u) * SCORED + column] *= factor1;
        scores[(first_row + 2u) * SCORED + column] *= factor2;
        scores[(first_row + 3u) * SCORED + column] *= factor3;
        scores[(first_row + 4u) * SCORED + column] *= factor4;
        scores[(first_row + 5u) * SCORED + column] *= factor5;
        scores[(first_row + 6u) * SCORED + column] *= factor6;
        scores[(first_row + 7u) * SCORED + column] *= factor7;
        workgroupBarrier();
        for (var inner = 0u; inner < min(4u, ((params.v_vecs * 4u + 7u) / 8u) - chunk * 4u); inner++) {
          acc[chunk * 4u + inner] = subgroupMatrixLoad<subgroup_matrix_result<f32, 8, 8>, row_major>(&scores, own_rows * SCORED + inner * 2u, SCORED);
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
    weights[(first_row + 4u) * SCORED + column] = vec4<f16>(s4);
    s5[0] = softmax_weight(s5[0], state5.row_max);
    s5[1] = softmax_weight(s5[1], state5.row_max);
    s5[2] = softmax_weight(s5[2], state5.row_max);
    s5[3] = softmax_weight(s5[3], state5.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state5.row_sum += s5.x + s5.y + s5.z + s5.w;
    s5 = held(s5);
    held5 = held5 * factor5 + s5.x + s5.y + s5.z + s5.w;
    weights[(first_row + 5u) * SCORED + column] = vec4<f16>(s5);
    s6[0] = softmax_weight(s6[0], state6.row_max);
    s6[1] = softmax_weight(s6[1], state6.row_max);
    s6[2] = softmax_weight(s6[2], state6.row_max);
    s6[3] = softmax_weight(s6[3], state6.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state6.row_sum += s6.x + s6.y + s6.z + s6.w;
    s6 = held(s6);
    held6 = held6 * factor6 + s6.x + s6.y + s6.z + s6.w;
    weights[(first_row + 6u) * SCORED + column] = vec4<f16>(s6);
    s7[0] = softmax_weight(s7[0], state7.row_max);
    s7[1] = softmax_weight(s7[1], state7.row_max);
    s7[2] = softmax_weight(s7[2], state7.row_max);
    s7[3] = softmax_weight(s7[3], state7.row_max);
    // A thread sums its own keys only; the lanes of a row meet in the end.
    state7.row_sum += s7.x + s7.y + s7.z + s7.w;
    s7 = held(s7);
    held7 = held7 * factor7 + s7.x + s7.y + s7.z + s7.w;
    weights[(first_row + 7u) * SCORED + column] = vec4<f16>(s7);
    for (var i = thread; i < 512u; i += 32u) {
      kv_tile[i / 16u * STAGED + i % 16u] = staged_v(work.seq, head, first_key, i);
    }
    workgroupBarrier();
    for (var inner = 0u; inner < params.chunk_vecs * 4u / 8u; inner++) {
      let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&weights, own_rows * SCORED + inner * 2u, SCORED);
      for (var outer = 0u; outer < ((params.v_vecs * 4u + 7u) / 8u); outer++) {
        let values = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 8>, row_major>(&kv_tile, inner * 8u * STAGED + outer * 2u, STAGED);
        acc[outer] = subgroupMatrixMultiplyAccumulate(weights0, values, acc[outer]);
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
  if (column == 0u && work.first_row + first_row + 4u < work.rows) {
    write_lse(state4, row4, work.split);
  }
  state5.row_sum = row_sum(state5.row_sum);
  let unrounded5 = state5.row_sum / max(row_sum(held5), 1.0e-37);
  let norm5 = finish_row(&state5, row5, work.split) * unrounded5;
  if (column == 0u && work.first_row + first_row + 5u < work.rows) {
    write_lse(state5, row5, work.split);
  }
  state6.row_sum = row_sum(state6.row_sum);
  let unrounded6 = state6.row_sum / max(row_sum(held6), 1.0e-37);
  let norm6 = finish_row(&state6, row6, work.split) * unrounded6;
  if (column == 0u && work.first_row + first_row + 6u < work.rows) {
    write_lse(state6, row6, work.split);
  }
  state7.row_sum = row_sum(state7.row_sum);
  let unrounded7 = state7.row_sum / max(row_sum(held7), 1.0e-37);
  let norm7 = finish_row(&state7, row7, work.split) * unrounded7;
  if (column == 0u && work.first_row + first_row + 7u < work.rows) {
    write_lse(state7, row7, work.split);
  }
  workgroupBarrier();
  for (var chunk = 0u; chunk < (((params.v_vecs * 4u + 7u) / 8u) + 3u) / 4u; chunk++) {
    for (var inner = 0u; inner < min(4u, ((params.v_vecs * 4u + 7u) / 8u) - chunk * 4u); inner++) {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + inner * 2u, acc[chunk * 4u + inner], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row < work.rows) {
      write_out(out_row_offset(row0, work.split), chunk * 32u + column * 4u, scores[first_row * SCORED + column] * norm0);
    }
    if (work.first_row + first_row + 1u < work.rows) {
      write_out(out_row_offset(row1, work.split), chunk * 32u + column * 4u, scores[(first_row + 1u) * SCORED + column] * norm1);
    }
    if (work.first_row + first_row + 2u < work.rows) {
      write_out(out_row_offset(row2, work.split), chunk * 32u + column * 4u, scores[(first_row + 2u) * SCORED + column] * norm2);
    }
    if (work.first_row + first_row + 3u < work.rows) {
      write_out(out_row_offset(row3, work.split), chunk * 32u + column * 4u, scores[(first_row + 3u) * SCORED + column] * norm3);
    }
    if (work.first_row + first_row + 4u < work.rows) {
      write_out(out_row_offset(row4, work.split), chunk * 32u + column * 4u, scores[(first_row + 4u) * SCORED + column] * norm4);
    }
    if (work.first_row + first_row + 5u < work.rows) {
      write_out(out_row_offset(row5, work.split), chunk * 32u + column * 4u, scores[(first_row + 5u) * SCORED + column] * norm5);
    }
    if (work.first_row + first_row + 6u < work.rows) {
      write_out(out_row_offset(row6, work.split), chunk * 32u + column * 4u, scores[(first_row + 6u) * SCORED + column] * norm6);
    }
    if (work.first_row + first_row + 7u < work.rows) {
      write_out(out_row_offset(row7, work.split), chunk * 32u + column * 4u, scores[(first_row + 7u) * SCORED + column] * norm7);
    }
    workgroupBarrier();
  }
}
