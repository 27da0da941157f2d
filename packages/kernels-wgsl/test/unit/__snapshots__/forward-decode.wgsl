// q=f16 kv=f16 out=f16 | d=64 dv=64 | dense strided | read=vec8 write=vec4 | rows=group | hooks=band | path=decode rows=4 lanes=8 keysPerLane=2 shuffled=8

@group(0) @binding(0) var<storage, read> q: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
  let rows = params.seqlen_q * params.group;
  let per_sequence = (rows + TILE_M - 1u) / TILE_M;
  return Work(sequence(tile / per_sequence), head, split, tile % per_sequence * TILE_M, rows);
}

fn load_q(row: u32, d: u32) -> vec4<u32> {
  return q[(row + d) / 8u];
}

fn unpack_q(words: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn read_q(row: u32, d: u32) -> vec4<f32> {
  let words = load_q(row, d);
  return unpack_q(select(words.xy, words.zw, (row + d) % 8u == 4u));
}

fn load_k(row: u32, d: u32) -> vec4<u32> {
  return k[(row + d) / 8u];
}

fn unpack_k(words: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  let words = load_k(row, d);
  return unpack_k(select(words.xy, words.zw, (row + d) % 8u == 4u));
}

fn load_v(row: u32, d: u32) -> vec4<u32> {
  return v[(row + d) / 8u];
}

fn unpack_v(words: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  let words = load_v(row, d);
  return unpack_v(select(words.xy, words.zw, (row + d) % 8u == 4u));
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = vec2<u32>(pack_f16(x.x, x.y), pack_f16(x.z, x.w));
}

const TILE_N = 16u;

var<workgroup> scores: array<vec4<f32>, 16>; // 256 bytes
var<workgroup> weights: array<f32, 64>; // 256 bytes
var<workgroup> columns: array<f32, 64>; // 256 bytes
var<workgroup> factors: array<f32, 4>; // 16 bytes
var<workgroup> team_sums: array<vec4<f32>, 128>; // 2048 bytes

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
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
  let lane = thread % 8u;
  let team = thread / 8u;
  // The row whose scores this thread finishes, and the first of its keys in a tile.
  let index = thread % 4u;
  let row = make_row(work, work.first_row + index);
  let column = thread / 4u;
  var state = softmax_init();
  let k_d0 = lane * 8u;
  let v_d0 = lane * 8u;
  let q_row0 = q_row_offset(make_row(work, work.first_row));
  let q0_0 = read_q(q_row0, lane * 8u) * q_scale();
  let q0_1 = read_q(q_row0, lane * 8u + 4u) * q_scale();
  var acc0_0 = vec4<f32>();
  var acc0_1 = vec4<f32>();
  let q_row1 = q_row_offset(make_row(work, work.first_row + 1u));
  let q1_0 = read_q(q_row1, lane * 8u) * q_scale();
  let q1_1 = read_q(q_row1, lane * 8u + 4u) * q_scale();
  var acc1_0 = vec4<f32>();
  var acc1_1 = vec4<f32>();
  let q_row2 = q_row_offset(make_row(work, work.first_row + 2u));
  let q2_0 = read_q(q_row2, lane * 8u) * q_scale();
  let q2_1 = read_q(q_row2, lane * 8u + 4u) * q_scale();
  var acc2_0 = vec4<f32>();
  var acc2_1 = vec4<f32>();
  let q_row3 = q_row_offset(make_row(work, work.first_row + 3u));
  let q3_0 = read_q(q_row3, lane * 8u) * q_scale();
  let q3_1 = read_q(q_row3, lane * 8u + 4u) * q_scale();
  var acc3_0 = vec4<f32>();
  var acc3_1 = vec4<f32>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    let key0 = min(first_key + team, work.seq.k_len - 1u);
    let k_row0 = k_row_offset(work.seq, head, key0);
    let v_row0 = v_row_offset(work.seq, head, key0);
    let key1 = min(first_key + team + 8u, work.seq.k_len - 1u);
    let k_row1 = k_row_offset(work.seq, head, key1);
    let v_row1 = v_row_offset(work.seq, head, key1);
    let k0_0 = load_k(k_row0, k_d0);
    let k1_0 = load_k(k_row1, k_d0);
    let v0_0 = load_v(v_row0, v_d0);
    let v1_0 = load_v(v_row1, v_d0);
    let k0_vec0 = unpack_k(k0_0.xy);
    let k0_vec1 = unpack_k(k0_0.zw);
    var s0_0 = vec4<f32>(
      add_dot(add_dot(0.0, q0_0, k0_vec0), q0_1, k0_vec1),
      add_dot(add_dot(0.0, q1_0, k0_vec0), q1_1, k0_vec1),
      add_dot(add_dot(0.0, q2_0, k0_vec0), q2_1, k0_vec1),
      add_dot(add_dot(0.0, q3_0, k0_vec0), q3_1, k0_vec1),
    );
    let k1_vec0 = unpack_k(k1_0.xy);
    let k1_vec1 = unpack_k(k1_0.zw);
    var s1_0 = vec4<f32>(
      add_dot(add_dot(0.0, q0_0, k1_vec0), q0_1, k1_vec1),
      add_dot(add_dot(0.0, q1_0, k1_vec0), q1_1, k1_vec1),
      add_dot(add_dot(0.0, q2_0, k1_vec0), q2_1, k1_vec1),
      add_dot(add_dot(0.0, q3_0, k1_vec0), q3_1, k1_vec1),
    );
    s0_0 += subgroupShuffleXor(s0_0, 1u);
    s1_0 += subgroupShuffleXor(s1_0, 1u);
    s0_0 += subgroupShuffleXor(s0_0, 2u);
    s1_0 += subgroupShuffleXor(s1_0, 2u);
    s0_0 += subgroupShuffleXor(s0_0, 4u);
    s1_0 += subgroupShuffleXor(s1_0, 4u);
    if (lane % 8u == 0u) {
      scores[team] = s0_0;
      scores[team + 8u] = s1_0;
    }
    workgroupBarrier();
    let key = i32(first_key + column);
    var s0 = scores[thread / 4u][thread % 4u];
    if (tile_class == PARTIAL) {
      s0 = masked_score(s0, row, key);
    }
    var tile_max = s0;
    tile_max = max(tile_max, subgroupShuffleXor(tile_max, 4u));
    if (thread % 8u < 4u) {
      columns[index * 8u + thread / 8u] = tile_max;
    }
    workgroupBarrier();
    tile_max = columns[index * 8u];
    for (var i = 1u; i < 8u; i++) {
      tile_max = max(tile_max, columns[index * 8u + i]);
    }
    let factor = softmax_rescale(&state, tile_max);
    s0 = softmax_weight(s0, state.row_max);
    // A thread sums its own keys only; the columns meet in the end.
    state.row_sum += s0;
    weights[thread] = s0;
    if (thread < 4u) {
      factors[thread] = factor;
    }
    workgroupBarrier();
    let factor0 = factors[0];
    acc0_0 *= factor0;
    acc0_1 *= factor0;
    let factor1 = factors[1];
    acc1_0 *= factor1;
    acc1_1 *= factor1;
    let factor2 = factors[2];
    acc2_0 *= factor2;
    acc2_1 *= factor2;
    let factor3 = factors[3];
    acc3_0 *= factor3;
    acc3_1 *= factor3;
    let v0_vec0 = unpack_v(v0_0.xy);
    let v0_vec1 = unpack_v(v0_0.zw);
    let p0_0 = vec4<f32>(weights[team * 4u]);
    acc0_0 = fma(p0_0, v0_vec0, acc0_0);
    acc0_1 = fma(p0_0, v0_vec1, acc0_1);
    let p0_1 = vec4<f32>(weights[team * 4u + 1u]);
    acc1_0 = fma(p0_1, v0_vec0, acc1_0);
    acc1_1 = fma(p0_1, v0_vec1, acc1_1);
    let p0_2 = vec4<f32>(weights[team * 4u + 2u]);
    acc2_0 = fma(p0_2, v0_vec0, acc2_0);
    acc2_1 = fma(p0_2, v0_vec1, acc2_1);
    let p0_3 = vec4<f32>(weights[team * 4u + 3u]);
    acc3_0 = fma(p0_3, v0_vec0, acc3_0);
    acc3_1 = fma(p0_3, v0_vec1, acc3_1);
    let v1_vec0 = unpack_v(v1_0.xy);
    let v1_vec1 = unpack_v(v1_0.zw);
    let p1_0 = vec4<f32>(weights[(team + 8u) * 4u]);
    acc0_0 = fma(p1_0, v1_vec0, acc0_0);
    acc0_1 = fma(p1_0, v1_vec1, acc0_1);
    let p1_1 = vec4<f32>(weights[(team + 8u) * 4u + 1u]);
    acc1_0 = fma(p1_1, v1_vec0, acc1_0);
    acc1_1 = fma(p1_1, v1_vec1, acc1_1);
    let p1_2 = vec4<f32>(weights[(team + 8u) * 4u + 2u]);
    acc2_0 = fma(p1_2, v1_vec0, acc2_0);
    acc2_1 = fma(p1_2, v1_vec1, acc2_1);
    let p1_3 = vec4<f32>(weights[(team + 8u) * 4u + 3u]);
    acc3_0 = fma(p1_3, v1_vec0, acc3_0);
    acc3_1 = fma(p1_3, v1_vec1, acc3_1);
  }

  state.row_sum = state.row_sum + subgroupShuffleXor(state.row_sum, 4u);
  if (thread % 8u < 4u) {
    columns[index * 8u + thread / 8u] = state.row_sum;
  }
  workgroupBarrier();
  state.row_sum = columns[index * 8u];
  for (var i = 1u; i < 8u; i++) {
    state.row_sum = state.row_sum + columns[index * 8u + i];
  }
  if (thread < 4u && work.first_row + index < work.rows) {
    factors[thread] = finish_row(&state, row, work.split);
    write_lse(state, row, work.split);
  }
  team_sums[team * 16u + lane * 2u] = acc0_0;
  team_sums[team * 16u + lane * 2u + 1u] = acc0_1;
  workgroupBarrier();
  if (work.first_row < work.rows) {
    let out_row = out_row_offset(make_row(work, work.first_row), work.split);
    for (var i = thread; i < 16u; i += 64u) {
      var sum = team_sums[i];
      for (var other = 1u; other < params.key_turns; other++) {
        sum += team_sums[i + other * 16u];
      }
      write_out(out_row, i * 4u, sum * factors[0]);
    }
  }
  workgroupBarrier();
  team_sums[team * 16u + lane * 2u] = acc1_0;
  team_sums[team * 16u + lane * 2u + 1u] = acc1_1;
  workgroupBarrier();
  if (work.first_row + 1u < work.rows) {
    let out_row = out_row_offset(make_row(work, work.first_row + 1u), work.split);
    for (var i = thread; i < 16u; i += 64u) {
      var sum = team_sums[i];
      for (var other = 1u; other < params.key_turns; other++) {
        sum += team_sums[i + other * 16u];
      }
      write_out(out_row, i * 4u, sum * factors[1]);
    }
  }
  workgroupBarrier();
  team_sums[team * 16u + lane * 2u] = acc2_0;
  team_sums[team * 16u + lane * 2u + 1u] = acc2_1;
  workgroupBarrier();
  if (work.first_row + 2u < work.rows) {
    let out_row = out_row_offset(make_row(work, work.first_row + 2u), work.split);
    for (var i = thread; i < 16u; i += 64u) {
      var sum = team_sums[i];
      for (var other = 1u; other < params.key_turns; other++) {
        sum += team_sums[i + other * 16u];
      }
      write_out(out_row, i * 4u, sum * factors[2]);
    }
  }
  workgroupBarrier();
  team_sums[team * 16u + lane * 2u] = acc3_0;
  team_sums[team * 16u + lane * 2u + 1u] = acc3_1;
  workgroupBarrier();
  if (work.first_row + 3u < work.rows) {
    let out_row = out_row_offset(make_row(work, work.first_row + 3u), work.split);
    for (var i = thread; i < 16u; i += 64u) {
      var sum = team_sums[i];
      for (var other = 1u; other < params.key_turns; other++) {
        sum += team_sums[i + other * 16u];
      }
      write_out(out_row, i * 4u, sum * factors[3]);
    }
  }
}
