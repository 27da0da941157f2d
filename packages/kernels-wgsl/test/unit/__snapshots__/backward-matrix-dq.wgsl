// dq q=f16 kv=f16 result=f16 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | hooks=band | path=matrix M=16 N=16 K=16 components=f16 subgroupSize=32 isPinned=false subgroups=4 rowBlocks=1 sharing=1 keepsRows=true unroll=false

@group(0) @binding(0) var<storage, read> q: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> dout: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> metadata: array<i32>;
@group(0) @binding(5) var<storage, read> block_mask: array<u32>;
@group(0) @binding(6) var<storage, read> captures: array<u32>;
@group(0) @binding(7) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(8) var<uniform> params: Params;

fn read_dout(row: u32, d: u32) -> vec4<f32> {
  let words = dout[(row + d) / 4u];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn write_dq(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = vec2<u32>(pack_f16(x.x, x.y), pack_f16(x.z, x.w));
}

// Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
// different banks.
const STAGED = 18u;
const SCORED = 10u;
var<workgroup> k_tile: array<vec4<f16>, 574>; // 4592 bytes
var<workgroup> v_tile: array<vec4<f16>, 574>; // 4592 bytes
var<workgroup> scores: array<vec4<f32>, 638>; // 10208 bytes
var<workgroup> slopes: array<vec4<f32>, 638>; // 10208 bytes
var<workgroup> gradients: array<vec4<f16>, 638>; // 5104 bytes

// Weights are at most 1, but for lists of lengths that no host has checked; multiplied, they keep their digits down to 2⁻²⁹.
const WEIGHT_SCALE = 32768.0;

// Gradients of scores are multiplied by a power of two, which all rows of the workgroup share because a result can only be
// rescaled as a whole. It makes the largest 2^ROOM, and changes when one reaches 2¹⁵. f16 then holds what is 2⁻³² of it.
const ROOM = 8u;
// What is not finite stays so in f16, and must not make the others 0.
const INFINITY_BITS = 0x7f800000u;
// The bits of the largest magnitude that was too large for the power of its time.
var<workgroup> largest: atomic<u32>;

fn magnitude(x: vec4<f32>) -> f32 {
  let a = abs(x);
  return max(max(a.x, a.y), max(a.z, a.w));
}

// From the exponent of a float.
fn power_of_two(exponent: u32) -> f32 {
  return bitcast<f32>(exponent << 23u);
}

// The exponent of the power for a largest magnitude. Its reciprocal is a normal number, too.
fn held_exponent(magnitude_bits: u32) -> u32 {
  return min(254u + ROOM - (magnitude_bits >> 23u), 253u);
}

// The bits of the largest magnitude for which that power still does.
fn held_limit(magnitude_bits: u32) -> u32 {
  return (magnitude_bits | 0x7fffffu) + ((14u - ROOM) << 23u);
}

// What sums must be multiplied by when the exponent changes.
fn change_of_power(before: u32, after: u32) -> f32 {
  return power_of_two(select(0u, 127u + after - before, 127u + after >= before));
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
  let state0 = row_state(row0);
  let row1 = make_row(work, work.first_row + first_row + 1u);
  let state1 = row_state(row1);
  let row2 = make_row(work, work.first_row + first_row + 2u);
  let state2 = row_state(row2);
  let row3 = make_row(work, work.first_row + first_row + 3u);
  let state3 = row_state(row3);
  var own_q = array<subgroup_matrix_left<f16, 16, 16>, 4>();
  for (var chunk = 0u; chunk < ((params.q_vecs * 4u + 15u) / 16u + 1u) / 2u; chunk++) {
    workgroupBarrier();
    gradients[first_row * SCORED + column] = vec4<f16>(read_q(q_row_offset(row0), chunk * 32u + column * 4u));
    gradients[(first_row + 1u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row1), chunk * 32u + column * 4u));
    gradients[(first_row + 2u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row2), chunk * 32u + column * 4u));
    gradients[(first_row + 3u) * SCORED + column] = vec4<f16>(read_q(q_row_offset(row3), chunk * 32u + column * 4u));
    workgroupBarrier();
    for (var inner = 0u; inner < min(2u, (params.q_vecs * 4u + 15u) / 16u - chunk * 2u); inner++) {
      own_q[chunk * 2u + inner] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&gradients, own_rows * SCORED + inner * 4u, SCORED);
    }
  }
  var own_dout = array<subgroup_matrix_left<f16, 16, 16>, 4>();
  for (var chunk = 0u; chunk < ((params.v_vecs * 4u + 15u) / 16u + 1u) / 2u; chunk++) {
    workgroupBarrier();
    gradients[first_row * SCORED + column] = vec4<f16>(read_dout(dout_row_offset(row0), chunk * 32u + column * 4u));
    gradients[(first_row + 1u) * SCORED + column] = vec4<f16>(read_dout(dout_row_offset(row1), chunk * 32u + column * 4u));
    gradients[(first_row + 2u) * SCORED + column] = vec4<f16>(read_dout(dout_row_offset(row2), chunk * 32u + column * 4u));
    gradients[(first_row + 3u) * SCORED + column] = vec4<f16>(read_dout(dout_row_offset(row3), chunk * 32u + column * 4u));
    workgroupBarrier();
    for (var inner = 0u; inner < min(2u, (params.v_vecs * 4u + 15u) / 16u - chunk * 2u); inner++) {
      own_dout[chunk * 2u + inner] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&gradients, own_rows * SCORED + inner * 4u, SCORED);
    }
  }
  var dq = array<subgroup_matrix_result<f32, 16, 16>, 4>();
  var exponent = 127u;
  var limit = 0u;

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    workgroupBarrier();
    for (var i = thread; i < 512u; i += 128u) {
      k_tile[i / 16u * STAGED + i % 16u] = staged_k(work.seq, head, first_key, i);
    }
    for (var i = thread; i < 512u; i += 128u) {
      v_tile[i / 16u * STAGED + i % 16u] = staged_v(work.seq, head, first_key, i);
    }
    workgroupBarrier();
    var sums = array<subgroup_matrix_result<f32, 16, 16>, 2>();
    for (var inner = 0u; inner < (params.q_vecs * 4u + 15u) / 16u; inner++) {
      let own_q0 = own_q[inner];
      for (var outer = 0u; outer < params.chunk_vecs * 4u / 16u; outer++) {
        let tile_k = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&k_tile, outer * 16u * STAGED + inner * 4u, STAGED);
        sums[outer] = subgroupMatrixMultiplyAccumulate(own_q0, tile_k, sums[outer]);
      }
    }
    var slope_sums = array<subgroup_matrix_result<f32, 16, 16>, 2>();
    for (var inner = 0u; inner < (params.v_vecs * 4u + 15u) / 16u; inner++) {
      let own_dout0 = own_dout[inner];
      for (var outer = 0u; outer < params.chunk_vecs * 4u / 16u; outer++) {
        let tile_v = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&v_tile, outer * 16u * STAGED + inner * 4u, STAGED);
        slope_sums[outer] = subgroupMatrixMultiplyAccumulate(own_dout0, tile_v, slope_sums[outer]);
      }
    }
    for (var outer = 0u; outer < params.chunk_vecs * 4u / 16u; outer++) {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + outer * 4u, sums[outer], SCORED);
    }
    for (var outer = 0u; outer < params.chunk_vecs * 4u / 16u; outer++) {
      subgroupMatrixStore<row_major>(&slopes, own_rows * SCORED + outer * 4u, slope_sums[outer], SCORED);
    }
    workgroupBarrier();
    var s0 = scores[first_row * SCORED + column] * q_scale();
    var s1 = scores[(first_row + 1u) * SCORED + column] * q_scale();
    var s2 = scores[(first_row + 2u) * SCORED + column] * q_scale();
    var s3 = scores[(first_row + 3u) * SCORED + column] * q_scale();
    var dp0 = slopes[first_row * SCORED + column];
    var dp1 = slopes[(first_row + 1u) * SCORED + column];
    var dp2 = slopes[(first_row + 2u) * SCORED + column];
    var dp3 = slopes[(first_row + 3u) * SCORED + column];

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
    s0[0] = pair_gradient(pair_weight(s0[0], state0.row_max, state0.norm), dp0[0], state0.delta, 1.0);
    s0[1] = pair_gradient(pair_weight(s0[1], state0.row_max, state0.norm), dp0[1], state0.delta, 1.0);
    s0[2] = pair_gradient(pair_weight(s0[2], state0.row_max, state0.norm), dp0[2], state0.delta, 1.0);
    s0[3] = pair_gradient(pair_weight(s0[3], state0.row_max, state0.norm), dp0[3], state0.delta, 1.0);
    s1[0] = pair_gradient(pair_weight(s1[0], state1.row_max, state1.norm), dp1[0], state1.delta, 1.0);
    s1[1] = pair_gradient(pair_weight(s1[1], state1.row_max, state1.norm), dp1[1], state1.delta, 1.0);
    s1[2] = pair_gradient(pair_weight(s1[2], state1.row_max, state1.norm), dp1[2], state1.delta, 1.0);
    s1[3] = pair_gradient(pair_weight(s1[3], state1.row_max, state1.norm), dp1[3], state1.delta, 1.0);
    s2[0] = pair_gradient(pair_weight(s2[0], state2.row_max, state2.norm), dp2[0], state2.delta, 1.0);
    s2[1] = pair_gradient(pair_weight(s2[1], state2.row_max, state2.norm), dp2[1], state2.delta, 1.0);
    s2[2] = pair_gradient(pair_weight(s2[2], state2.row_max, state2.norm), dp2[2], state2.delta, 1.0);
    s2[3] = pair_gradient(pair_weight(s2[3], state2.row_max, state2.norm), dp2[3], state2.delta, 1.0);
    s3[0] = pair_gradient(pair_weight(s3[0], state3.row_max, state3.norm), dp3[0], state3.delta, 1.0);
    s3[1] = pair_gradient(pair_weight(s3[1], state3.row_max, state3.norm), dp3[1], state3.delta, 1.0);
    s3[2] = pair_gradient(pair_weight(s3[2], state3.row_max, state3.norm), dp3[2], state3.delta, 1.0);
    s3[3] = pair_gradient(pair_weight(s3[3], state3.row_max, state3.norm), dp3[3], state3.delta, 1.0);
    let most = bitcast<u32>(max(max(max(magnitude(s0), magnitude(s1)), magnitude(s2)), magnitude(s3)));
    if ((most > limit) & (most < INFINITY_BITS)) {
      atomicMax(&largest, most);
    }
    gradients[first_row * SCORED + column] = vec4<f16>(s0 * power_of_two(exponent));
    gradients[(first_row + 1u) * SCORED + column] = vec4<f16>(s1 * power_of_two(exponent));
    gradients[(first_row + 2u) * SCORED + column] = vec4<f16>(s2 * power_of_two(exponent));
    gradients[(first_row + 3u) * SCORED + column] = vec4<f16>(s3 * power_of_two(exponent));
    let seen = workgroupUniformLoad(&largest);
    if (seen > limit) {
      let factor = change_of_power(exponent, held_exponent(seen));
      for (var outer = 0u; outer < ((params.q_vecs * 4u + 15u) / 16u); outer++) {
        dq[outer] = subgroupMatrixScalarMultiply(dq[outer], factor);
      }
      exponent = held_exponent(seen);
      limit = held_limit(seen);
      gradients[first_row * SCORED + column] = vec4<f16>(s0 * power_of_two(exponent));
      gradients[(first_row + 1u) * SCORED + column] = vec4<f16>(s1 * power_of_two(exponent));
      gradients[(first_row + 2u) * SCORED + column] = vec4<f16>(s2 * power_of_two(exponent));
      gradients[(first_row + 3u) * SCORED + column] = vec4<f16>(s3 * power_of_two(exponent));
      workgroupBarrier();
    }
    for (var inner = 0u; inner < params.chunk_vecs * 4u / 16u; inner++) {
      let gradients0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&gradients, own_rows * SCORED + inner * 4u, SCORED);
      for (var outer = 0u; outer < ((params.q_vecs * 4u + 15u) / 16u); outer++) {
        let tile_k = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&k_tile, inner * 16u * STAGED + outer * 4u, STAGED);
        dq[outer] = subgroupMatrixMultiplyAccumulate(gradients0, tile_k, dq[outer]);
      }
    }
  }

  workgroupBarrier();
  for (var chunk = 0u; chunk < (((params.q_vecs * 4u + 15u) / 16u) + 1u) / 2u; chunk++) {
    for (var inner = 0u; inner < min(2u, ((params.q_vecs * 4u + 15u) / 16u) - chunk * 2u); inner++) {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + inner * 4u, dq[chunk * 2u + inner], SCORED);
    }
    workgroupBarrier();
    if (work.first_row + first_row < work.rows) {
      write_dq(out_row_offset(row0, 0u), chunk * 32u + column * 4u, scores[first_row * SCORED + column] * (params.scale * power_of_two(254u - exponent)));
    }
    if (work.first_row + first_row + 1u < work.rows) {
      write_dq(out_row_offset(row1, 0u), chunk * 32u + column * 4u, scores[(first_row + 1u) * SCORED + column] * (params.scale * power_of_two(254u - exponent)));
    }
    if (work.first_row + first_row + 2u < work.rows) {
      write_dq(out_row_offset(row2, 0u), chunk * 32u + column * 4u, scores[(first_row + 2u) * SCORED + column] * (params.scale * power_of_two(254u - exponent)));
    }
    if (work.first_row + first_row + 3u < work.rows) {
      write_dq(out_row_offset(row3, 0u), chunk * 32u + column * 4u, scores[(first_row + 3u) * SCORED + column] * (params.scale * power_of_two(254u - exponent)));
    }
    workgroupBarrier();
  }
}
