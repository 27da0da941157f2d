// q=f32 kv=f32 out=f32 | d=40 dv=40 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band | path=portable threadsM=8 rowsPerThread=2 unroll=true

const TILE_M = 16u;

// A padded row of 9 vectors keeps neighbouring rows in different banks.
const STAGED = 9u;
var<workgroup> q_tile: array<vec4<f32>, 144>; // 2304 bytes
var<workgroup> kv_tile: array<vec4<f32>, 288>; // 4608 bytes

fn add_scaled(sum: vec4<f32>, factor: f32, x: vec4<f32>) -> vec4<f32> {
  return fma(vec4<f32>(factor), x, sum);
}
var<workgroup> partial: array<f32, 128>; // 512 bytes

// Elements chunk to chunk + 31 of q of the tile's query rows.
fn stage_q(work: Work, chunk: u32, thread: u32) {
  for (var step = 0u; step < 2u; step++) {
    let i = thread + step * 64u;
    let row = make_row(work, work.first_row + i / 8u);
    let d = chunk + i % 8u * 4u;
    let x = read_q(q_row_offset(row), min(d, 36u));
    q_tile[i / 8u * STAGED + i % 8u] = select(vec4<f32>(), x * q_scale(), d < 40u);
  }
}

// Elements chunk to chunk + 31 of k of the tile's keys.
fn stage_k(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
  for (var step = 0u; step < 4u; step++) {
    let i = thread + step * 64u;
    let key = min(first_key + i / 8u, seq.k_len - 1u);
    let d = chunk + i % 8u * 4u;
    let x = read_k(k_row_offset(seq, head, key), min(d, 36u));
    kv_tile[i / 8u * STAGED + i % 8u] = x;
  }
}

// Elements chunk to chunk + 31 of v of the tile's keys.
fn stage_v(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
  for (var step = 0u; step < 4u; step++) {
    let i = thread + step * 64u;
    let key = min(first_key + i / 8u, seq.k_len - 1u);
    let d = chunk + i % 8u * 4u;
    let x = read_v(v_row_offset(seq, head, key), min(d, 36u));
    kv_tile[i / 8u * STAGED + i % 8u] = x;
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
  let first_row = (thread % 2u + thread / 16u * 2u) * 2u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var acc0 = array<vec4<f32>, 2>();
  let row1 = make_row(work, work.first_row + first_row + 1u);
  var state1 = softmax_init();
  var acc1 = array<vec4<f32>, 2>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    for (var chunk = 0u; chunk < 10u; chunk += 8u) {
      workgroupBarrier();
      stage_q(work, chunk * 4u, thread);
      stage_k(work.seq, head, first_key, chunk * 4u, thread);
      workgroupBarrier();
      for (var d = 0u; d < 8u; d++) {
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
    }
    partial[first_row * 8u + column] = max(max(s0.x, s0.y), max(s0.z, s0.w));
    partial[(first_row + 1u) * 8u + column] = max(max(s1.x, s1.y), max(s1.z, s1.w));
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
    q_tile[first_row * STAGED + column] = s0;
    var tile_max1 = MASKED;
    for (var i = 0u; i < 8u; i++) {
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

    {
      workgroupBarrier();
      stage_v(work.seq, head, first_key, 0u * 32u, thread);
      workgroupBarrier();
      var sum0 = acc0[0u] * factor0;
      var sum1 = acc1[0u] * factor1;
      for (var i = 0u; i < 8u; i++) {
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
      }
      acc0[0u] = sum0;
      acc1[0u] = sum1;
    }
    {
      workgroupBarrier();
      stage_v(work.seq, head, first_key, 1u * 32u, thread);
      workgroupBarrier();
      var sum0 = acc0[1u] * factor0;
      var sum1 = acc1[1u] * factor1;
      for (var i = 0u; i < 8u; i++) {
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
      }
      acc0[1u] = sum0;
      acc1[1u] = sum1;
    }
  }

  workgroupBarrier();
  partial[first_row * 8u + column] = state0.row_sum;
  partial[(first_row + 1u) * 8u + column] = state1.row_sum;
  workgroupBarrier();
  state0.row_sum = 0.0;
  for (var i = 0u; i < 8u; i++) {
    state0.row_sum += partial[first_row * 8u + i];
  }
  if (work.first_row + first_row < work.rows) {
    let norm = finish_row(&state0, row0, work.split);
    let out_row = out_row_offset(row0, work.split);
    {
      let d = 0u * 32u + column * 4u;
      if (d < 40u) {
        write_out(out_row, d, acc0[0u] * norm);
      }
    }
    {
      let d = 1u * 32u + column * 4u;
      if (d < 40u) {
        write_out(out_row, d, acc0[1u] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state0, row0, work.split);
    }
  }
  state1.row_sum = 0.0;
  for (var i = 0u; i < 8u; i++) {
    state1.row_sum += partial[(first_row + 1u) * 8u + i];
  }
  if (work.first_row + first_row + 1u < work.rows) {
    let norm = finish_row(&state1, row1, work.split);
    let out_row = out_row_offset(row1, work.split);
    {
      let d = 0u * 32u + column * 4u;
      if (d < 40u) {
        write_out(out_row, d, acc1[0u] * norm);
      }
    }
    {
      let d = 1u * 32u + column * 4u;
      if (d < 40u) {
        write_out(out_row, d, acc1[1u] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state1, row1, work.split);
    }
  }
}
