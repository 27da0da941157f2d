// q=f32 kv=int4 out=f32 | d=40 dv=32 | varlen paged | read=vec4 write=vec4 | rows=group | hooks=band | path=integers rows=2 lanes=8 keysPerLane=2 shuffled=4

var<workgroup> scores: array<vec2<i32>, 32>; // 256 bytes
var<workgroup> weights: array<f32, 64>; // 256 bytes
var<workgroup> columns: array<f32, 64>; // 256 bytes
var<workgroup> factors: array<f32, 2>; // 8 bytes
var<workgroup> team_sums: array<vec4<f32>, 128>; // 2048 bytes

// 1 / step; 0 for a row of zeros, and for one so small that the quotient would overflow.
fn steps_per_unit(step: f32) -> f32 {
  return select(0.0, 1.0 / step, step >= 0x1p-126);
}

// The nearest integers, in the order in which a word of keys has them.
fn pack_integers(x: vec4<f32>) -> u32 {
  return pack4xI8(vec4<i32>(round(x)));
}

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
  let index = thread % 2u;
  let row = make_row(work, work.first_row + index);
  let column = thread / 2u;
  var state = softmax_init();
  let own_q = q_row_offset(row);
  var q_max = 0.0;
  for (var d = column * 4u; d < 40u; d += 128u) {
    let x = abs(read_q(own_q, d) * q_scale());
    q_max = max(q_max, max(max(x.x, x.y), max(x.z, x.w)));
  }
  q_max = max(q_max, subgroupShuffleXor(q_max, 2u));
  if (thread % 4u < 2u) {
    columns[index * 16u + thread / 4u] = q_max;
  }
  workgroupBarrier();
  q_max = columns[index * 16u];
  for (var i = 1u; i < 16u; i++) {
    q_max = max(q_max, columns[index * 16u + i]);
  }
  if (thread < 2u) {
    factors[thread] = q_max / 127.0;
  }
  workgroupBarrier();
  let step = factors[thread % 2u] / 16.0;
  let k_d0 = min(lane * 8u, 32u);
  let v_d0 = min(lane * 8u, 24u);
  let q_row0 = q_row_offset(make_row(work, work.first_row));
  let q0_0 = select(vec4<f32>(), read_q(q_row0, min(lane * 8u, 36u)) * q_scale(), lane * 8u < 40u);
  let q0_1 = select(vec4<f32>(), read_q(q_row0, min(lane * 8u + 4u, 36u)) * q_scale(), lane * 8u + 4u < 40u);
  let units0 = steps_per_unit(factors[0]);
  let even0_0 = pack_integers(vec4<f32>(q0_0.xz, q0_1.xz) * units0);
  let odd0_0 = pack_integers(vec4<f32>(q0_0.yw, q0_1.yw) * units0);
  var acc0_0 = vec4<f32>();
  var acc0_1 = vec4<f32>();
  let q_row1 = q_row_offset(make_row(work, work.first_row + 1u));
  let q1_0 = select(vec4<f32>(), read_q(q_row1, min(lane * 8u, 36u)) * q_scale(), lane * 8u < 40u);
  let q1_1 = select(vec4<f32>(), read_q(q_row1, min(lane * 8u + 4u, 36u)) * q_scale(), lane * 8u + 4u < 40u);
  let units1 = steps_per_unit(factors[1]);
  let even1_0 = pack_integers(vec4<f32>(q1_0.xz, q1_1.xz) * units1);
  let odd1_0 = pack_integers(vec4<f32>(q1_0.yw, q1_1.yw) * units1);
  var acc1_0 = vec4<f32>();
  var acc1_1 = vec4<f32>();

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
    let own_key0 = min(first_key + column, work.seq.k_len - 1u);
    let k_scale0 = scale_k(k_row_offset(work.seq, head, own_key0));
    let v_scale0 = scale_v(v_row_offset(work.seq, head, own_key0));
    let k0_0 = load_k(k_row0, k_d0);
    let k1_0 = load_k(k_row1, k_d0);
    let v0_0 = load_v(v_row0, v_d0);
    let v1_0 = load_v(v_row1, v_d0);
    let k0_0_even = (k0_0 << 4u) & 0xf0f0f0f0u;
    let k0_0_odd = k0_0 & 0xf0f0f0f0u;
    var s0_0 = vec2<i32>(
      dot4I8Packed(even0_0, k0_0_even) + dot4I8Packed(odd0_0, k0_0_odd),
      dot4I8Packed(even1_0, k0_0_even) + dot4I8Packed(odd1_0, k0_0_odd),
    );
    let k1_0_even = (k1_0 << 4u) & 0xf0f0f0f0u;
    let k1_0_odd = k1_0 & 0xf0f0f0f0u;
    var s1_0 = vec2<i32>(
      dot4I8Packed(even0_0, k1_0_even) + dot4I8Packed(odd0_0, k1_0_odd),
      dot4I8Packed(even1_0, k1_0_even) + dot4I8Packed(odd1_0, k1_0_odd),
    );
    s0_0 += subgroupShuffleXor(s0_0, 1u);
    s1_0 += subgroupShuffleXor(s1_0, 1u);
    s0_0 += subgroupShuffleXor(s0_0, 2u);
    s1_0 += subgroupShuffleXor(s1_0, 2u);
    if (lane % 4u == 0u) {
      scores[lane / 4u * 16u + team] = s0_0;
      scores[lane / 4u * 16u + team + 8u] = s1_0;
    }
    workgroupBarrier();
    let key = i32(first_key + column);
    var s0 = MASKED;
    if (thread < 32u) {
      s0 = f32(scores[thread / 2u][thread % 2u] + scores[(thread + 32u) / 2u][thread % 2u]) * (step * k_scale0);
      if (tile_class == PARTIAL) {
        s0 = masked_score(s0, row, key);
      }
    }
    var tile_max = s0;
    tile_max = max(tile_max, subgroupShuffleXor(tile_max, 2u));
    if (thread % 4u < 2u) {
      columns[index * 16u + thread / 4u] = tile_max;
    }
    workgroupBarrier();
    tile_max = columns[index * 16u];
    for (var i = 1u; i < 16u; i++) {
      tile_max = max(tile_max, columns[index * 16u + i]);
    }
    let factor = softmax_rescale(&state, tile_max);
    s0 = softmax_weight(s0, state.row_max);
    // A thread sums its own keys only; the columns meet in the end.
    state.row_sum += s0;
    weights[thread] = s0 * v_scale0;
    if (thread < 2u) {
      factors[thread] = factor;
    }
    workgroupBarrier();
    let factor0 = factors[0];
    acc0_0 *= factor0;
    acc0_1 *= factor0;
    let factor1 = factors[1];
    acc1_0 *= factor1;
    acc1_1 *= factor1;
    let v0_vec0 = unpack_v(v0_0);
    let v0_vec1 = unpack_v(v0_0 >> 16u);
    let p0_0 = vec4<f32>(weights[team * 2u]);
    acc0_0 = fma(p0_0, v0_vec0, acc0_0);
    acc0_1 = fma(p0_0, v0_vec1, acc0_1);
    let p0_1 = vec4<f32>(weights[team * 2u + 1u]);
    acc1_0 = fma(p0_1, v0_vec0, acc1_0);
    acc1_1 = fma(p0_1, v0_vec1, acc1_1);
    let v1_vec0 = unpack_v(v1_0);
    let v1_vec1 = unpack_v(v1_0 >> 16u);
    let p1_0 = vec4<f32>(weights[(team + 8u) * 2u]);
    acc0_0 = fma(p1_0, v1_vec0, acc0_0);
    acc0_1 = fma(p1_0, v1_vec1, acc0_1);
    let p1_1 = vec4<f32>(weights[(team + 8u) * 2u + 1u]);
    acc1_0 = fma(p1_1, v1_vec0, acc1_0);
    acc1_1 = fma(p1_1, v1_vec1, acc1_1);
  }

  state.row_sum = state.row_sum + subgroupShuffleXor(state.row_sum, 2u);
  if (thread % 4u < 2u) {
    columns[index * 16u + thread / 4u] = state.row_sum;
  }
  workgroupBarrier();
  state.row_sum = columns[index * 16u];
  for (var i = 1u; i < 16u; i++) {
    state.row_sum = state.row_sum + columns[index * 16u + i];
  }
  if (thread < 2u && work.first_row + index < work.rows) {
    factors[thread] = finish_row(&state, row, work.split);
    write_lse(state, row, work.split);
  }
  team_sums[team * 16u + lane * 2u] = acc0_0;
  team_sums[team * 16u + lane * 2u + 1u] = acc0_1;
  workgroupBarrier();
  if (work.first_row < work.rows) {
    let out_row = out_row_offset(make_row(work, work.first_row), work.split);
    for (var i = thread; i < 8u; i += 64u) {
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
    for (var i = thread; i < 8u; i += 64u) {
      var sum = team_sums[i];
      for (var other = 1u; other < params.key_turns; other++) {
        sum += team_sums[i + other * 16u];
      }
      write_out(out_row, i * 4u, sum * factors[1]);
    }
  }
}
