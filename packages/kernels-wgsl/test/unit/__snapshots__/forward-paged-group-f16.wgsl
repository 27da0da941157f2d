// q=f16 kv=f16 out=f32 | d=64 dv=64 | varlen paged | read=vec4 write=vec4 | rows=group | hooks=band | path=portable threadsM=8 rowsPerThread=1 unroll=false

@group(0) @binding(0) var<storage, read> q: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

// Rows begin to end − 1 of sequence `index`, and the first of their tiles. Rows of no sequence go on at row 0.
struct PackedRows {
  index: u32,
  begin: u32,
  end: u32,
  first_tile: u32,
}

// Sequences are numbered 0 to batch − 1; number `batch` is the rows of none, which see no key.
fn q_begin(b: u32) -> u32 {
  return clamp_length(metadata[params.cu_q + b], params.seqlen_q);
}

// Sequence b, whose query rows are known.
fn sequence_of_rows(b: u32, q_row: u32, q_len: u32) -> Sequence {
  if (b == params.batch) {
    return Sequence(b, q_row, q_len, 0u, 0u);
  }
  return Sequence(b, q_row, q_len, 0u, used_length(b, params.seqlen_k));
}

fn sequence(b: u32) -> Sequence {
  let q_row = q_begin(b);
  if (b == params.batch) {
    return sequence_of_rows(b, q_row, params.seqlen_q - q_row);
  }
  return sequence_of_rows(b, q_row, max(q_row, q_begin(b + 1u)) - q_row);
}

const TILE_M = 8u;

// A sequence begins one tile further for each one before: far enough apart for every length, so no maximum is needed and no
// tile list is stored. A tile that falls into the slack lies beyond its sequence.
fn find_rows(tile: u32) -> PackedRows {
  let origin = q_begin(0u);
  var found = PackedRows(0u, origin, params.seqlen_q, 0u);
  var high = params.batch;
  while (found.index < high) {
    let middle = (found.index + high + 1u) / 2u;
    let begin = clamp(q_begin(middle), found.begin, found.end);
    let first_tile = (begin - origin) * params.group / TILE_M + middle;
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
  return Work(seq, head, split, (tile - rows.first_tile) * TILE_M, seq.q_len * params.group);
}

fn row_head(work: Work, index: u32) -> u32 {
  return work.head * params.group + index % params.group;
}

fn row_position(index: u32) -> u32 {
  return index / params.group;
}

fn kv_head(work: Work) -> u32 {
  return work.head;
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
  return row;
}

fn q_row_offset(row: Row) -> u32 {
  return params.q_offset + u32(row.head) * params.q_head + u32(row.q_row) * params.q_row;
}

fn lse_index(row: Row, split: u32) -> u32 {
  return params.lse_offset + split * params.lse_split + u32(row.head) * params.lse_head + u32(row.q_row) * params.lse_row;
}

fn page_of(sequence_index: u32, key: u32) -> u32 {
  let entry = metadata[params.table + sequence_index * params.table_row + key / params.page_size];
  return u32(clamp(entry, 0, i32(params.pages) - 1));
}

fn k_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.k_offset + page_of(seq.index, key) * params.k_batch + head * params.k_head + key % params.page_size * params.k_row;
}

fn v_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.v_offset + page_of(seq.index, key) * params.v_batch + head * params.v_head + key % params.page_size * params.v_row;
}

fn kv_row(row: Row, key: i32) -> i32 {
  return i32(page_of(u32(row.batch), u32(key)) * params.page_size + u32(key) % params.page_size);
}

fn read_q(row: u32, d: u32) -> vec4<f32> {
  let words = q[(row + d) / 4u];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  let words = k[(row + d) / 4u];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  let words = v[(row + d) / 4u];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn out_row_offset(row: Row, split: u32) -> u32 {
  return params.out_offset + split * params.out_split + u32(row.head) * params.out_head + u32(row.q_row) * params.out_row;
}

fn tile_span(work: Work) -> Span {
  let last_row = min(work.first_row + TILE_M, work.rows) - 1u;
  let q_len = i32(work.seq.q_len);
  let k_len = i32(work.seq.k_len);
  let shift = diagonal(q_len, k_len);
  let head_first = work.head * params.group;
  let head_last = head_first + params.group - 1u;
  return Span(
    i32(work.seq.index), i32(head_first), i32(head_last),
    i32(row_position(work.first_row)) + shift, i32(row_position(last_row)) + shift,
    0, k_len - 1, q_len, k_len,
  );
}

// A padded row of 9 vectors keeps neighbouring rows in different banks.
const STAGED = 9u;
var<workgroup> q_tile: array<vec4<f32>, 72>; // 1152 bytes
var<workgroup> kv_tile: array<vec4<f32>, 288>; // 4608 bytes

fn add_scaled(sum: vec4<f32>, factor: f32, x: vec4<f32>) -> vec4<f32> {
  return fma(vec4<f32>(factor), x, sum);
}
var<workgroup> partial: array<f32, 64>; // 256 bytes

// Elements chunk to chunk + 31 of q of the tile's query rows.
fn stage_q(work: Work, chunk: u32, thread: u32) {
  for (var i = thread; i < 64u; i += 64u) {
    let row = make_row(work, work.first_row + i / 8u);
    let d = chunk + i % 8u * 4u;
    let x = read_q(q_row_offset(row), d);
    q_tile[i / 8u * STAGED + i % 8u] = x * q_scale();
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
  var acc0 = array<vec4<f32>, 2>();

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
      if (d < 64u) {
        write_out(out_row, d, acc0[chunk] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state0, row0, work.split);
    }
  }
}
