// q=bf16 kv=bf16 out=bf16 | d=64 dv=6 | dense strided | read=scalar write=pair | rows=head | hooks=band | path=portable threadsM=8 rowsPerThread=4 unroll=false

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read> k: array<u32>;
@group(0) @binding(2) var<storage, read> v: array<u32>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<u32>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

fn read_q_at(index: u32) -> f32 {
  let word = q[index / 2u];
  let pair = bitcast<vec2<f32>>(vec2<u32>(word << 16u, word & 0xffff0000u));
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_q(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_q_at(row + d * params.q_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 64u) {
    x[1] = read_q_at(row + (d + 1u) * params.q_dim);
  }
  if (d + 2u < 64u) {
    x[2] = read_q_at(row + (d + 2u) * params.q_dim);
  }
  if (d + 3u < 64u) {
    x[3] = read_q_at(row + (d + 3u) * params.q_dim);
  }
  return x;
}

fn read_k_at(index: u32) -> f32 {
  let word = k[index / 2u];
  let pair = bitcast<vec2<f32>>(vec2<u32>(word << 16u, word & 0xffff0000u));
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_k_at(row + d * params.k_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 64u) {
    x[1] = read_k_at(row + (d + 1u) * params.k_dim);
  }
  if (d + 2u < 64u) {
    x[2] = read_k_at(row + (d + 2u) * params.k_dim);
  }
  if (d + 3u < 64u) {
    x[3] = read_k_at(row + (d + 3u) * params.k_dim);
  }
  return x;
}

fn read_v_at(index: u32) -> f32 {
  let word = v[index / 2u];
  let pair = bitcast<vec2<f32>>(vec2<u32>(word << 16u, word & 0xffff0000u));
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_v_at(row + d * params.v_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 6u) {
    x[1] = read_v_at(row + (d + 1u) * params.v_dim);
  }
  if (d + 2u < 6u) {
    x[2] = read_v_at(row + (d + 2u) * params.v_dim);
  }
  if (d + 3u < 6u) {
    x[3] = read_v_at(row + (d + 3u) * params.v_dim);
  }
  return x;
}

// f32 to bf16 bits, round to nearest even. A carry goes into the exponent, and from the largest number to infinity.
fn round_bf16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let high = bits >> 16u;
  let rounded = (bits + 0x7fffu + (high & 1u)) >> 16u;
  return select(rounded, (high & 0x8000u) | 0x7fc0u, (bits & 0x7fffffffu) > 0x7f800000u);
}

fn pack_bf16(low: f32, high: f32) -> u32 {
  return round_bf16(low) | (round_bf16(high) << 16u);
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  let word = (row + d) / 2u;
  if (d + 1u < 6u) {
    out[word] = pack_bf16(x.x, x.y);
  } else if (d < 6u) {
    out[word] = (out[word] & 0xffff0000u) | round_bf16(x.x);
  }
  if (d + 3u < 6u) {
    out[word + 1u] = pack_bf16(x.z, x.w);
  } else if (d + 2u < 6u) {
    out[word + 1u] = (out[word + 1u] & 0xffff0000u) | round_bf16(x.z);
  }
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
  let column = thread / 2u % 8u;
  let first_row = (thread % 2u + thread / 16u * 2u) * 4u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var acc0 = array<vec4<f32>, 1>();
  let row1 = make_row(work, work.first_row + first_row + 1u);
  var state1 = softmax_init();
  var acc1 = array<vec4<f32>, 1>();
  let row2 = make_row(work, work.first_row + first_row + 2u);
  var state2 = softmax_init();
  var acc2 = array<vec4<f32>, 1>();
  let row3 = make_row(work, work.first_row + first_row + 3u);
  var state3 = softmax_init();
  var acc3 = array<vec4<f32>, 1>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var chunk = 0u; chunk < params.q_vecs; chunk += 8u) {
      workgroupBarrier();
      stage_q(work, chunk * 4u, thread);
      stage_k(work.seq, head, first_key, chunk * 4u, thread);
      workgroupBarrier();
      for (var d = 0u; d < params.chunk_vecs; d++) {
        let k0 = kv_tile[column * STAGED + d];
        let k1 = kv_tile[(column + 8u) * STAGED + d];
        let k2 = kv_tile[(column + 16u) * STAGED + d];
        let k3 = kv_tile[(column + 24u) * STAGED + d];
        let q0 = q_tile[first_row * STAGED + d];
        s0[0] = add_dot(s0[0], q0, k0);
        s0[1] = add_dot(s0[1], q0, k1);
        s0[2] = add_dot(s0[2], q0, k2);
        s0[3] = add_dot(s0[3], q0, k3);
        let q1 = q_tile[(first_row + 1u) * STAGED + d];
        s1[0] = add_dot(s1[0], q1, k0);
        s1[1] = add_dot(s1[1], q1, k1);
        s1[2] = add_dot(s1[2], q1, k2);
        s1[3] = add_dot(s1[3], q1, k3);
        let q2 = q_tile[(first_row + 2u) * STAGED + d];
        s2[0] = add_dot(s2[0], q2, k0);
        s2[1] = add_dot(s2[1], q2, k1);
        s2[2] = add_dot(s2[2], q2, k2);
        s2[3] = add_dot(s2[3], q2, k3);
        let q3 = q_tile[(first_row + 3u) * STAGED + d];
        s3[0] = add_dot(s3[0], q3, k0);
        s3[1] = add_dot(s3[1], q3, k1);
        s3[2] = add_dot(s3[2], q3, k2);
        s3[3] = add_dot(s3[3], q3, k3);
      }
    }

    let key0 = i32(first_key + column);
    let key1 = i32(first_key + column + 8u);
    let key2 = i32(first_key + column + 16u);
    let key3 = i32(first_key + column + 24u);
    if (tile_class == PARTIAL) {
      s0[0] = masked_score(s0[0], row0, key0);
      s0[1] = masked_score(s0[1], row0, key1);
      s0[2] = masked_score(s0[2], row0, key2);
      s0[3] = masked_score(s0[3], row0, key3);
      s1[0] = masked_score(s1[0], row1, key0);
      s1[1] = masked_score(s1[1], row1, key1);
      s1[2] = masked_score(s1[2], row1, key2);
      s1[3] = masked_score(s1[3], row1, key3);
      s2[0] = masked_score(s2[0], row2, key0);
      s2[1] = masked_score(s2[1], row2, key1);
      s2[2] = masked_score(s2[2], row2, key2);
      s2[3] = masked_score(s2[3], row2, key3);
      s3[0] = masked_score(s3[0], row3, key0);
      s3[1] = masked_score(s3[1], row3, key1);
      s3[2] = masked_score(s3[2], row3, key2);
      s3[3] = masked_score(s3[3], row3, key3);
    }
    partial[first_row * 8u + column] = max(max(s0.x, s0.y), max(s0.z, s0.w));
    partial[(first_row + 1u) * 8u + column] = max(max(s1.x, s1.y), max(s1.z, s1.w));
    partial[(first_row + 2u) * 8u + column] = max(max(s2.x, s2.y), max(s2.z, s2.w));
    partial[(first_row + 3u) * 8u + column] = max(max(s3.x, s3.y), max(s3.z, s3.w));
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
    q_tile[first_row * STAGED + column] = s0;
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
    q_tile[(first_row + 1u) * STAGED + column] = s1;
    var tile_max2 = MASKED;
    for (var i = 0u; i < params.chunk_vecs; i++) {
      tile_max2 = max(tile_max2, partial[(first_row + 2u) * 8u + i]);
    }
    let factor2 = softmax_rescale(&state2, tile_max2);
    s2[0] = softmax_weight(s2[0], state2.row_max);
    s2[1] = softmax_weight(s2[1], state2.row_max);
    s2[2] = softmax_weight(s2[2], state2.row_max);
    s2[3] = softmax_weight(s2[3], state2.row_max);
    // A thread sums its own keys only; the columns meet in the end.
    state2.row_sum += s2.x + s2.y + s2.z + s2.w;
    q_tile[(first_row + 2u) * STAGED + column] = s2;
    var tile_max3 = MASKED;
    for (var i = 0u; i < params.chunk_vecs; i++) {
      tile_max3 = max(tile_max3, partial[(first_row + 3u) * 8u + i]);
    }
    let factor3 = softmax_rescale(&state3, tile_max3);
    s3[0] = softmax_weight(s3[0], state3.row_max);
    s3[1] = softmax_weight(s3[1], state3.row_max);
    s3[2] = softmax_weight(s3[2], state3.row_max);
    s3[3] = softmax_weight(s3[3], state3.row_max);
    // A thread sums its own keys only; the columns meet in the end.
    state3.row_sum += s3.x + s3.y + s3.z + s3.w;
    q_tile[(first_row + 3u) * STAGED + column] = s3;

    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      workgroupBarrier();
      stage_v(work.seq, head, first_key, chunk * 32u, thread);
      workgroupBarrier();
      var sum0 = acc0[chunk] * factor0;
      var sum1 = acc1[chunk] * factor1;
      var sum2 = acc2[chunk] * factor2;
      var sum3 = acc3[chunk] * factor3;
      for (var i = 0u; i < params.chunk_vecs; i++) {
        let v0 = kv_tile[i * STAGED + column];
        let v1 = kv_tile[(i + 8u) * STAGED + column];
        let v2 = kv_tile[(i + 16u) * STAGED + column];
        let v3 = kv_tile[(i + 24u) * STAGED + column];
        let p0 = q_tile[first_row * STAGED + i];
        sum0 = add_scaled(sum0, p0[0], v0);
        sum0 = add_scaled(sum0, p0[1], v1);
        sum0 = add_scaled(sum0, p0[2], v2);
        sum0 = add_scaled(sum0, p0[3], v3);
        let p1 = q_tile[(first_row + 1u) * STAGED + i];
        sum1 = add_scaled(sum1, p1[0], v0);
        sum1 = add_scaled(sum1, p1[1], v1);
        sum1 = add_scaled(sum1, p1[2], v2);
        sum1 = add_scaled(sum1, p1[3], v3);
        let p2 = q_tile[(first_row + 2u) * STAGED + i];
        sum2 = add_scaled(sum2, p2[0], v0);
        sum2 = add_scaled(sum2, p2[1], v1);
        sum2 = add_scaled(sum2, p2[2], v2);
        sum2 = add_scaled(sum2, p2[3], v3);
        let p3 = q_tile[(first_row + 3u) * STAGED + i];
        sum3 = add_scaled(sum3, p3[0], v0);
        sum3 = add_scaled(sum3, p3[1], v1);
        sum3 = add_scaled(sum3, p3[2], v2);
        sum3 = add_scaled(sum3, p3[3], v3);
      }
      acc0[chunk] = sum0;
      acc1[chunk] = sum1;
      acc2[chunk] = sum2;
      acc3[chunk] = sum3;
    }
  }

  workgroupBarrier();
  partial[first_row * 8u + column] = state0.row_sum;
  partial[(first_row + 1u) * 8u + column] = state1.row_sum;
  partial[(first_row + 2u) * 8u + column] = state2.row_sum;
  partial[(first_row + 3u) * 8u + column] = state3.row_sum;
  workgroupBarrier();
  state0.row_sum = 0.0;
  for (var i = 0u; i < params.chunk_vecs; i++) {
    state0.row_sum += partial[first_row * 8u + i];
  }
  if (work.first_row + first_row < work.rows) {
    let norm = finish_row(&state0, row0, work.split);
    let out_row = out_row_offset(row0, work.split);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 6u) {
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
    let norm = finish_row(&state1, row1, work.split);
    let out_row = out_row_offset(row1, work.split);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 6u) {
        write_out(out_row, d, acc1[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state1, row1, work.split);
    }
  }
  state2.row_sum = 0.0;
  for (var i = 0u; i < params.chunk_vecs; i++) {
    state2.row_sum += partial[(first_row + 2u) * 8u + i];
  }
  if (work.first_row + first_row + 2u < work.rows) {
    let norm = finish_row(&state2, row2, work.split);
    let out_row = out_row_offset(row2, work.split);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 6u) {
        write_out(out_row, d, acc2[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state2, row2, work.split);
    }
  }
  state3.row_sum = 0.0;
  for (var i = 0u; i < params.chunk_vecs; i++) {
    state3.row_sum += partial[(first_row + 3u) * 8u + i];
  }
  if (work.first_row + first_row + 3u < work.rows) {
    let norm = finish_row(&state3, row3, work.split);
    let out_row = out_row_offset(row3, work.split);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 6u) {
        write_out(out_row, d, acc3[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state3, row3, work.split);
    }
  }
}
