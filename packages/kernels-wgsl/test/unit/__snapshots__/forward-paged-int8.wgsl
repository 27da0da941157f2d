// q=f16 kv=int8 out=f32 | d=17 dv=17 | varlen paged | read=scalar write=scalar | rows=head | hooks=band | path=portable threadsM=8 rowsPerThread=1 unroll=false

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read> k: array<u32>;
@group(0) @binding(2) var<storage, read> v: array<u32>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

fn scale_k(row: u32) -> f32 {
  return bitcast<f32>(k[row]);
}

fn load_k(row: u32, d: u32) -> u32 {
  return k[row + (1u + d / 4u) * params.k_dim];
}

fn unpack_k(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  return scale_k(row) * unpack_k(load_k(row, d));
}

fn scale_v(row: u32) -> f32 {
  return bitcast<f32>(v[row]);
}

fn load_v(row: u32, d: u32) -> u32 {
  return v[row + (1u + d / 4u) * params.v_dim];
}

fn unpack_v(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  return scale_v(row) * unpack_v(load_v(row, d));
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  out[row + d * params.out_dim] = x[0];
  if (d + 1u < 17u) {
    out[row + (d + 1u) * params.out_dim] = x[1];
  }
  if (d + 2u < 17u) {
    out[row + (d + 2u) * params.out_dim] = x[2];
  }
  if (d + 3u < 17u) {
    out[row + (d + 3u) * params.out_dim] = x[3];
  }
}

// Elements chunk to chunk + 31 of v of the tile's keys.
fn stage_v(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let key = min(first_key + i / 8u, seq.k_len - 1u);
    let d = chunk + i % 8u * 4u;
    let x = read_v(v_row_offset(seq, head, key), min(d, 16u));
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
  let first_row = thread % 2u + thread / 16u * 2u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var acc0 = array<vec4<f32>, 1>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    var s0 = vec4<f32>();
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
    }
    partial[first_row * 8u + column] = max(max(s0.x, s0.y), max(s0.z, s0.w));
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

    for (var chunk = 0u; chunk < params.v_chunks; chunk++) {
      workgroupBarrier();
      stage_v(work.seq, head, first_key, chunk * 32u, thread);
      workgroupBarrier();
      var sum0 = acc0[chunk] * factor0;
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
      }
      acc0[chunk] = sum0;
    }
  }

  workgroupBarrier();
  partial[first_row * 8u + column] = state0.row_sum;
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
      if (d < 17u) {
        write_out(out_row, d, acc0[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state0, row0, work.split);
    }
  }
}
