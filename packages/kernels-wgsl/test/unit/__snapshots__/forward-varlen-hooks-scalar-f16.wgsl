enable f16;

// q=f16 kv=f16 out=f16 | d=17 dv=5 | varlen strided | read=scalar write=scalar | rows=head | hooks=softcap+alibi+band | path=portable threadsM=8 rowsPerThread=1 unroll=false

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read> k: array<u32>;
@group(0) @binding(2) var<storage, read> v: array<u32>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<f16>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

fn k_begin(b: u32) -> u32 {
  return clamp_length(metadata[params.cu_k + b], params.seqlen_k);
}

// Sequence b, whose query rows are known.
fn sequence_of_rows(b: u32, q_row: u32, q_len: u32) -> Sequence {
  if (b == params.batch) {
    return Sequence(b, q_row, q_len, 0u, 0u);
  }
  let k_row = k_begin(b);
  let k_end = k_begin(b + 1u);
  return Sequence(b, q_row, q_len, k_row, used_length(b, max(k_row, k_end) - k_row));
}

// A sequence begins one tile further for each one before: far enough apart for every length, so no maximum is needed and no
// tile list is stored. A tile that falls into the slack lies beyond its sequence.
fn find_rows(tile: u32) -> PackedRows {
  let origin = q_begin(0u);
  var found = PackedRows(0u, origin, params.seqlen_q, 0u);
  var high = params.batch;
  while (found.index < high) {
    let middle = (found.index + high + 1u) / 2u;
    let begin = clamp(q_begin(middle), found.begin, found.end);
    let first_tile = (begin - origin) / TILE_M + middle;
    if (first_tile <= tile) {
      found = PackedRows(middle, begin, found.end, first_tile);
    } else {
      found.end = begin;
      high = middle - 1u;
    }
  }
  if (found.index == params.batch) {
    found.end += origin;
  }
  return found;
}

fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
  let rows = find_rows(tile);
  let seq = sequence_of_rows(rows.index, rows.begin, rows.end - rows.begin);
  return Work(seq, head, split, (tile - rows.first_tile) * TILE_M, seq.q_len);
}

struct Row {
  batch: i32,
  head: i32,
  // Logical position, which masks and mods see.
  query: i32,
  q_row: i32,
  q_len: i32,
  k_row: i32,
  k_len: i32,
  slope: f32,
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
  let q_row = work.seq.q_row + position;
  row.q_row = i32(select(q_row, q_row - params.seqlen_q, q_row >= params.seqlen_q));
  row.q_len = q_len;
  row.k_row = i32(work.seq.k_row);
  row.k_len = k_len;
  row.slope = bitcast<f32>(captures[params.slopes + batch * params.slopes_batch + head * params.slopes_head]);
  return row;
}

fn k_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.k_offset + head * params.k_head + (seq.k_row + key) * params.k_row;
}

fn v_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.v_offset + head * params.v_head + (seq.k_row + key) * params.v_row;
}

fn read_q_at(index: u32) -> f32 {
  let word = q[index / 2u];
  let pair = unpack2x16float(word);
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_q(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_q_at(row + d * params.q_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 17u) {
    x[1] = read_q_at(row + (d + 1u) * params.q_dim);
  }
  if (d + 2u < 17u) {
    x[2] = read_q_at(row + (d + 2u) * params.q_dim);
  }
  if (d + 3u < 17u) {
    x[3] = read_q_at(row + (d + 3u) * params.q_dim);
  }
  return x;
}

fn read_k_at(index: u32) -> f32 {
  let word = k[index / 2u];
  let pair = unpack2x16float(word);
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_k_at(row + d * params.k_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 17u) {
    x[1] = read_k_at(row + (d + 1u) * params.k_dim);
  }
  if (d + 2u < 17u) {
    x[2] = read_k_at(row + (d + 2u) * params.k_dim);
  }
  if (d + 3u < 17u) {
    x[3] = read_k_at(row + (d + 3u) * params.k_dim);
  }
  return x;
}

fn read_v_at(index: u32) -> f32 {
  let word = v[index / 2u];
  let pair = unpack2x16float(word);
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_v_at(row + d * params.v_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 5u) {
    x[1] = read_v_at(row + (d + 1u) * params.v_dim);
  }
  if (d + 2u < 5u) {
    x[2] = read_v_at(row + (d + 2u) * params.v_dim);
  }
  if (d + 3u < 5u) {
    x[3] = read_v_at(row + (d + 3u) * params.v_dim);
  }
  return x;
}

// f32 to f16 bits, round to nearest even.
fn round_f16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let magnitude = i32(bits & 0x7fffffffu);
  // The mantissa with its hidden bit; above it, by how much the exponent exceeds that of the smallest normal half.
  let value = u32(max((magnitude & 0x7fffff) | 0x800000, magnitude - 0x38000000));
  // The bits that a half does not have: 13, and more in a subnormal half, whose unit is 2^-24.
  let shift = u32(clamp(126 - (magnitude >> 23u), 13, 31));
  let even = (value >> shift) & 1u;
  let rounded = (value + (0x7fffffffu >> (32u - shift)) + even) >> shift;
  return ((bits >> 16u) & 0x8000u) | select(min(rounded, 0x7c00u), 0x7e00u, magnitude > 0x7f800000);
}

fn pack_f16(low: f32, high: f32) -> u32 {
  return round_f16(low) | (round_f16(high) << 16u);
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  out[row + d * params.out_dim] = f16(unpack2x16float(round_f16(x[0])).x);
  if (d + 1u < 5u) {
    out[row + (d + 1u) * params.out_dim] = f16(unpack2x16float(round_f16(x[1])).x);
  }
  if (d + 2u < 5u) {
    out[row + (d + 2u) * params.out_dim] = f16(unpack2x16float(round_f16(x[2])).x);
  }
  if (d + 3u < 5u) {
    out[row + (d + 3u) * params.out_dim] = f16(unpack2x16float(round_f16(x[3])).x);
  }
}

fn tanh_f32(x: f32) -> f32 {
  let z = x * x;
  let small = ((((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1) * z * x + x;
  let large = sign(x) * (1.0 - 2.0 / (exp(2.0 * min(abs(x), 10.0)) + 1.0));
  return select(large, small, abs(x) < 0.625);
}

fn score_softcap(score: f32, row: Row, key: i32) -> f32 {
  return params.softcap * tanh_f32(score / params.softcap);
}

fn score_alibi(score: f32, row: Row, key: i32) -> f32 {
  return score - row.slope * f32(abs(row.query - key));
}

// From a dot product (of q already scaled) to a base-2 score.
fn mod_score(dot_product: f32, row: Row, key: i32) -> f32 {
  var score = dot_product;
  score = score_softcap(score, row, key);
  score = score_alibi(score, row, key);
  return select(MASKED, min(score, HIGHEST) * LOG2_E, score > SEEN);
}

// Without score hooks the base change is folded into q.
fn q_scale() -> f32 {
  return params.scale;
}

// Elements chunk to chunk + 31 of q of the tile's query rows.
fn stage_q(work: Work, chunk: u32, thread: u32) {
  for (var i = thread; i < 64u; i += 64u) {
    let row = make_row(work, work.first_row + i / 8u);
    let d = chunk + i % 8u * 4u;
    let x = read_q(q_row_offset(row), min(d, 16u));
    q_tile[i / 8u * STAGED + i % 8u] = select(vec4<f32>(), x * q_scale(), d < 17u);
  }
}

// Elements chunk to chunk + 31 of k of the tile's keys.
fn stage_k(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let key = min(first_key + i / 8u, seq.k_len - 1u);
    let d = chunk + i % 8u * 4u;
    let x = read_k(k_row_offset(seq, head, key), min(d, 16u));
    kv_tile[i / 8u * STAGED + i % 8u] = x;
  }
}

// Elements chunk to chunk + 31 of v of the tile's keys.
fn stage_v(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let key = min(first_key + i / 8u, seq.k_len - 1u);
    let d = chunk + i % 8u * 4u;
    let x = read_v(v_row_offset(seq, head, key), min(d, 4u));
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
      if (d < 5u) {
        write_out(out_row, d, acc0[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state0, row0, work.split);
    }
  }
}
