// q=f32 kv=f32 out=f32 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band+dropout | path=portable threadsM=8 rowsPerThread=4 unroll=false

struct Row {
  batch: i32,
  head: i32,
  // Logical position, which masks and mods see.
  query: i32,
  q_row: i32,
  q_len: i32,
  k_row: i32,
  k_len: i32,
  drop_key: u32,
}

// Row `index` of the sequence; one beyond the end is a copy of the last, and is not stored.
fn make_row(work: Work, index: u32) -> Row {
  let inside = min(index, work.rows - 1u);
  // Rows outside every sequence have no batch entry of their own in the tables.
  let batch = min(work.seq.index, max(params.batch, 1u) - 1u);
  let head = row_head(work, inside);
  let position = row_position(inside);
  let q_len = i32(work.seq.q_len);
  let k_len = i32(work.seq.k_len);
  var row = Row();
  row.batch = i32(work.seq.index);
  row.head = i32(head);
  row.query = i32(position) + diagonal(q_len, k_len);
  row.q_row = i32(work.seq.q_row + position);
  row.q_len = q_len;
  row.k_row = i32(work.seq.k_row);
  row.k_len = k_len;
  row.drop_key = row_drop_key(row);
  return row;
}

fn scrambled(x: u32) -> u32 {
  var bits = x;
  bits ^= bits >> 16u;
  bits *= 0x7feb352du;
  bits ^= bits >> 15u;
  bits *= 0x846ca68bu;
  return bits ^ (bits >> 16u);
}

fn drop_seed() -> vec2<u32> {
  if (params.drop_seed == NONE) {
    return vec2<u32>(params.drop_low, params.drop_high);
  }
  return vec2<u32>(captures[params.drop_seed], captures[params.drop_seed + params.drop_seed_next]);
}

// What the keys of a row have in common. By logical positions, so that no tile, split or layout matters.
fn row_drop_key(row: Row) -> u32 {
  let seed = drop_seed();
  let of_sequence = scrambled(scrambled(scrambled(seed.x) ^ seed.y) + u32(row.batch));
  let of_head = scrambled(of_sequence + u32(row.head));
  return scrambled(of_head + u32(row.query) * 0x85ebca6bu);
}

fn is_kept(drop_key: u32, key: i32) -> bool {
  return scrambled(u32(key) * 0x9e3779b1u + drop_key) >= params.drop_below;
}

// Returns what the row's accumulator is multiplied by in the end.
fn finish_row(state: ptr<function, Softmax>, row: Row, split: u32) -> f32 {
  let factor = apply_sink(state, row, split);
  return factor * softmax_norm(*state) * params.keep_scale;
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
  var acc0 = array<vec4<f32>, 2>();
  let row1 = make_row(work, work.first_row + first_row + 1u);
  var state1 = softmax_init();
  var acc1 = array<vec4<f32>, 2>();
  let row2 = make_row(work, work.first_row + first_row + 2u);
  var state2 = softmax_init();
  var acc2 = array<vec4<f32>, 2>();
  let row3 = make_row(work, work.first_row + first_row + 3u);
  var state3 = softmax_init();
  var acc3 = array<vec4<f32>, 2>();

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
    s0[0] = select(0.0, s0[0], is_kept(row0.drop_key, key0));
    s0[1] = select(0.0, s0[1], is_kept(row0.drop_key, key1));
    s0[2] = select(0.0, s0[2], is_kept(row0.drop_key, key2));
    s0[3] = select(0.0, s0[3], is_kept(row0.drop_key, key3));
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
    s1[0] = select(0.0, s1[0], is_kept(row1.drop_key, key0));
    s1[1] = select(0.0, s1[1], is_kept(row1.drop_key, key1));
    s1[2] = select(0.0, s1[2], is_kept(row1.drop_key, key2));
    s1[3] = select(0.0, s1[3], is_kept(row1.drop_key, key3));
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
    s2[0] = select(0.0, s2[0], is_kept(row2.drop_key, key0));
    s2[1] = select(0.0, s2[1], is_kept(row2.drop_key, key1));
    s2[2] = select(0.0, s2[2], is_kept(row2.drop_key, key2));
    s2[3] = select(0.0, s2[3], is_kept(row2.drop_key, key3));
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
    s3[0] = select(0.0, s3[0], is_kept(row3.drop_key, key0));
    s3[1] = select(0.0, s3[1], is_kept(row3.drop_key, key1));
    s3[2] = select(0.0, s3[2], is_kept(row3.drop_key, key2));
    s3[3] = select(0.0, s3[3], is_kept(row3.drop_key, key3));
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
    let norm = finish_row(&state1, row1, work.split);
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
  state2.row_sum = 0.0;
  for (var i = 0u; i < params.chunk_vecs; i++) {
    state2.row_sum += partial[(first_row + 2u) * 8u + i];
  }
  if (work.first_row + first_row + 2u < work.rows) {
    let norm = finish_row(&state2, row2, work.split);
    let out_row = out_row_offset(row2, work.split);
    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 64u) {
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
      if (d < 64u) {
        write_out(out_row, d, acc3[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state3, row3, work.split);
    }
  }
}
