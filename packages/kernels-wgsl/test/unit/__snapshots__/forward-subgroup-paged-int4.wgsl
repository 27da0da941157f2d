enable subgroups;

// q=f32 kv=int4 out=f32 | d=64 dv=64 | varlen paged | read=vec4 write=vec4 | rows=group | hooks=band | path=subgroup subgroupSize=4 rowsPerLane=1 keysPerLane=2

const NONE = 0xffffffffu;

const EMPTY = 0u;
const PARTIAL = 1u;
const FULL = 2u;

struct Params {
  batch: u32,
  seqlen_q: u32,
  seqlen_k: u32,
  cu_q: u32,
  used_k: u32,
  tiles: u32,
  splits: u32,
  group: u32,
  align_end: u32,
  q_offset: u32,
  q_head: u32,
  q_row: u32,
  out_offset: u32,
  out_head: u32,
  out_row: u32,
  out_split: u32,
  lse_offset: u32,
  lse_head: u32,
  lse_row: u32,
  lse_split: u32,
  k_offset: u32,
  k_batch: u32,
  k_head: u32,
  k_row: u32,
  v_offset: u32,
  v_batch: u32,
  v_head: u32,
  v_row: u32,
  table: u32,
  table_row: u32,
  pages: u32,
  page_size: u32,
  k_dim: u32,
  v_dim: u32,
  scale: f32,
  band_left: i32,
  band_right: i32,
  state_plane: u32,
  sinks: u32,
  sinks_head: u32,
  write_lse: u32,
  units: u32,
  q_vecs: u32,
  v_vecs: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> k: array<u32>;
@group(0) @binding(2) var<storage, read> v: array<u32>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

struct Sequence {
  index: u32,
  q_row: u32,
  q_len: u32,
  k_row: u32,
  k_len: u32,
}

fn clamp_length(length: i32, most: u32) -> u32 {
  return u32(clamp(length, 0, i32(most)));
}

fn used_length(b: u32, slot: u32) -> u32 {
  if (params.used_k == NONE) {
    return slot;
  }
  return clamp_length(metadata[params.used_k + b], slot);
}

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

const TILE_M = 4u;

// A tile of query rows: rows first_row to first_row + TILE_M − 1 of `rows` in the sequence.
struct Work {
  seq: Sequence,
  // Query head, or kv head when rows are grouped.
  head: u32,
  split: u32,
  first_row: u32,
  rows: u32,
}

fn workgroup_unit(id: vec3<u32>, count: vec3<u32>) -> u32 {
  return id.x + id.y * count.x;
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

fn find_work(unit: u32) -> Work {
  let tile = unit % params.tiles;
  let rest = unit / params.tiles;
  return work_of_tile(tile, rest / params.splits, rest % params.splits);
}

// What is added to a row's index to get its logical position.
fn diagonal(q_len: i32, k_len: i32) -> i32 {
  return select(0, k_len - q_len, params.align_end != 0u);
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

fn out_row_offset(row: Row, split: u32) -> u32 {
  return params.out_offset + split * params.out_split + u32(row.head) * params.out_head + u32(row.q_row) * params.out_row;
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
  return q[(row + d) / 4u];
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  let word = k[row + (1u + d / 8u) * params.k_dim] >> (d % 8u * 4u);
  let x = vec4<i32>(vec4<u32>(word) << vec4<u32>(28u, 24u, 20u, 16u)) >> vec4<u32>(28u);
  return bitcast<f32>(k[row]) * vec4<f32>(x);
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  let word = v[row + (1u + d / 8u) * params.v_dim] >> (d % 8u * 4u);
  let x = vec4<i32>(vec4<u32>(word) << vec4<u32>(28u, 24u, 20u, 16u)) >> vec4<u32>(28u);
  return bitcast<f32>(v[row]) * vec4<f32>(x);
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = x;
}

const LOG2_E = 1.4426950408889634;
const LN_2 = 0.6931471805599453;
const MASKED = -3.0e38;
// Anything at or below counts as masked.
const SEEN = -1.0e30;
// The largest that a hook can make of a score: what is above would overflow in the change of base, and hide its pair.
const HIGHEST = 1.0e38;
const NEGATIVE_INFINITY_BITS = 0xff800000u;

struct Softmax {
  row_max: f32,
  row_sum: f32,
}

fn softmax_init() -> Softmax {
  return Softmax(MASKED, 0.0);
}

// 0 for masked scores. Clamped, since adapters disagree on exp2 of what is far below the range.
fn softmax_weight(score: f32, row_max: f32) -> f32 {
  return select(0.0, exp2(max(score - row_max, -150.0)), score > SEEN);
}

// Takes in a tile's maximum; returns what earlier sums and accumulators must be multiplied by.
fn softmax_rescale(state: ptr<function, Softmax>, tile_max: f32) -> f32 {
  let row_max = max((*state).row_max, tile_max);
  let factor = softmax_weight((*state).row_max, row_max);
  (*state).row_max = row_max;
  (*state).row_sum *= factor;
  return factor;
}

// An extra logit that has no value row: it only enlarges the sum. Returns the factor for the accumulator.
fn softmax_sink(state: ptr<function, Softmax>, logit: f32) -> f32 {
  let factor = softmax_rescale(state, logit);
  (*state).row_sum += softmax_weight(logit, (*state).row_max);
  return factor;
}

// What the accumulator is multiplied by in the end; an empty row becomes 0.
fn softmax_norm(state: Softmax) -> f32 {
  return select(0.0, 1.0 / max(state.row_sum, 1.0e-37), state.row_sum > 0.0);
}

// Natural log of the sum of exp of the natural scores, as bits.
fn softmax_lse_bits(state: Softmax) -> u32 {
  let lse = state.row_max * LN_2 + log2(max(state.row_sum, 1.0e-37)) * LN_2;
  return select(NEGATIVE_INFINITY_BITS, bitcast<u32>(lse), state.row_sum > 0.0);
}

// A score from the bits of a natural one, −∞ becoming MASKED.
fn softmax_score(bits: u32) -> f32 {
  return select(max(bitcast<f32>(bits) * LOG2_E, MASKED), MASKED, bits == NEGATIVE_INFINITY_BITS);
}

const TILE_N = 8u;

struct Span {
  batch: i32,
  head_first: i32,
  head_last: i32,
  query_first: i32,
  query_last: i32,
  key_first: i32,
  key_last: i32,
  q_len: i32,
  k_len: i32,
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

// First key tile and one past the last, within this workgroup's split.
fn key_tiles(work: Work, span: Span) -> vec2<u32> {
  let k_len = i32(work.seq.k_len);
  var first = 0;
  var end = k_len;
  let band = range_band(span);
  first = max(first, band.x);
  end = min(end, band.y);
  if (first >= end) {
    return vec2<u32>(0u, 0u);
  }
  let all = (u32(k_len) + TILE_N - 1u) / TILE_N;
  let per_split = (all + params.splits - 1u) / params.splits;
  let begin = max(u32(first) / TILE_N, work.split * per_split);
  return vec2<u32>(begin, min((u32(end) + TILE_N - 1u) / TILE_N, (work.split + 1u) * per_split));
}

fn class_of_tile(tile: u32, whole: Span) -> u32 {
  var span = whole;
  span.key_first = i32(tile * TILE_N);
  let last = i32(tile * TILE_N + TILE_N) - 1;
  span.key_last = min(last, whole.k_len - 1);
  var class_ = select(FULL, PARTIAL, last >= whole.k_len);
  class_ = min(class_, class_band(span));
  return class_;
}

fn visible_band(row: Row, key: i32) -> bool {
  return (key >= row.query - params.band_left) & (key <= row.query + params.band_right);
}

fn class_band(span: Span) -> u32 {
  if (span.key_last < span.query_first - params.band_left || span.key_first > span.query_last + params.band_right) {
    return EMPTY;
  }
  if (span.key_first >= span.query_last - params.band_left && span.key_last <= span.query_first + params.band_right) {
    return FULL;
  }
  return PARTIAL;
}

fn range_band(span: Span) -> vec2<i32> {
  return vec2<i32>(span.query_first - params.band_left, span.query_last + params.band_right + 1);
}

// What the softmax takes in a PARTIAL tile. Without branches, which `&&` would be: some compilers never get through them.
fn masked_score(score: f32, row: Row, key: i32) -> f32 {
  return select(MASKED, score, (key < row.k_len) & visible_band(row, key));
}

// Without score hooks the base change is folded into q.
fn q_scale() -> f32 {
  return params.scale * LOG2_E;
}

fn store_state(state: Softmax, at: u32) {
  lse[at] = softmax_lse_bits(state);
  if (params.state_plane != 0u) {
    lse[at + params.state_plane] = bitcast<u32>(state.row_max);
    lse[at + 2u * params.state_plane] = bitcast<u32>(state.row_sum);
  }
}

// Adds the row's sink, if there are sinks: in the first split only, and to no row outside every sequence.
// Returns the factor for the row's accumulator.
fn apply_sink(state: ptr<function, Softmax>, row: Row, split: u32) -> f32 {
  if (params.sinks == NONE || split > 0u || u32(row.batch) >= params.batch) {
    return 1.0;
  }
  let logit = softmax_score(captures[params.sinks + u32(row.head) * params.sinks_head]);
  return softmax_sink(state, logit);
}

fn write_lse(state: Softmax, row: Row, split: u32) {
  if (params.write_lse != 0u) {
    store_state(state, lse_index(row, split));
  }
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
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
  let index0 = work.first_row + lane;
  let row0 = make_row(work, index0);
  var q0 = array<vec4<f32>, 16>();
  var acc0 = array<vec4<f32>, 16>();
  var state0 = softmax_init();
  for (var d = 0u; d < params.q_vecs; d++) {
    q0[d] = read_q(q_row_offset(row0), d * 4u) * q_scale();
  }

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    let key0 = first_key + lane % 4u;
    let used0 = key0 < work.seq.k_len;
    var k_row0 = 0u;
    var v_row0 = 0u;
    if (used0) {
      k_row0 = k_row_offset(work.seq, head, key0);
      v_row0 = v_row_offset(work.seq, head, key0);
    }
    let key1 = first_key + lane % 4u + 4u;
    let used1 = key1 < work.seq.k_len;
    var k_row1 = 0u;
    var v_row1 = 0u;
    if (used1) {
      k_row1 = k_row_offset(work.seq, head, key1);
      v_row1 = v_row_offset(work.seq, head, key1);
    }

    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s0_4 = 0.0;
    var s0_5 = 0.0;
    var s0_6 = 0.0;
    var s0_7 = 0.0;
    for (var d = 0u; d < params.q_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_k(k_row0, d * 4u);
      }
      var own1 = vec4<f32>();
      if (used1) {
        own1 = read_k(k_row1, d * 4u);
      }
      let q0_d = q0[d];
      let k0 = subgroupBroadcast(own0, 0u);
      s0_0 += dot(q0_d, k0);
      let k1 = subgroupBroadcast(own0, 1u);
      s0_1 += dot(q0_d, k1);
      let k2 = subgroupBroadcast(own0, 2u);
      s0_2 += dot(q0_d, k2);
      let k3 = subgroupBroadcast(own0, 3u);
      s0_3 += dot(q0_d, k3);
      let k4 = subgroupBroadcast(own1, 0u);
      s0_4 += dot(q0_d, k4);
      let k5 = subgroupBroadcast(own1, 1u);
      s0_5 += dot(q0_d, k5);
      let k6 = subgroupBroadcast(own1, 2u);
      s0_6 += dot(q0_d, k6);
      let k7 = subgroupBroadcast(own1, 3u);
      s0_7 += dot(q0_d, k7);
    }
    if (tile_class == PARTIAL) {
      s0_0 = masked_score(s0_0, row0, i32(first_key));
      s0_1 = masked_score(s0_1, row0, i32(first_key + 1u));
      s0_2 = masked_score(s0_2, row0, i32(first_key + 2u));
      s0_3 = masked_score(s0_3, row0, i32(first_key + 3u));
      s0_4 = masked_score(s0_4, row0, i32(first_key + 4u));
      s0_5 = masked_score(s0_5, row0, i32(first_key + 5u));
      s0_6 = masked_score(s0_6, row0, i32(first_key + 6u));
      s0_7 = masked_score(s0_7, row0, i32(first_key + 7u));
    }
    let factor0 = softmax_rescale(&state0, max(max(max(max(max(max(max(s0_0, s0_1), s0_2), s0_3), s0_4), s0_5), s0_6), s0_7));
    s0_0 = softmax_weight(s0_0, state0.row_max);
    s0_1 = softmax_weight(s0_1, state0.row_max);
    s0_2 = softmax_weight(s0_2, state0.row_max);
    s0_3 = softmax_weight(s0_3, state0.row_max);
    s0_4 = softmax_weight(s0_4, state0.row_max);
    s0_5 = softmax_weight(s0_5, state0.row_max);
    s0_6 = softmax_weight(s0_6, state0.row_max);
    s0_7 = softmax_weight(s0_7, state0.row_max);
    state0.row_sum += s0_0 + s0_1 + s0_2 + s0_3 + s0_4 + s0_5 + s0_6 + s0_7;

    for (var d = 0u; d < params.v_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_v(v_row0, d * 4u);
      }
      var own1 = vec4<f32>();
      if (used1) {
        own1 = read_v(v_row1, d * 4u);
      }
      var acc0_d = acc0[d] * factor0;
      let v0 = subgroupBroadcast(own0, 0u);
      acc0_d += s0_0 * v0;
      let v1 = subgroupBroadcast(own0, 1u);
      acc0_d += s0_1 * v1;
      let v2 = subgroupBroadcast(own0, 2u);
      acc0_d += s0_2 * v2;
      let v3 = subgroupBroadcast(own0, 3u);
      acc0_d += s0_3 * v3;
      let v4 = subgroupBroadcast(own1, 0u);
      acc0_d += s0_4 * v4;
      let v5 = subgroupBroadcast(own1, 1u);
      acc0_d += s0_5 * v5;
      let v6 = subgroupBroadcast(own1, 2u);
      acc0_d += s0_6 * v6;
      let v7 = subgroupBroadcast(own1, 3u);
      acc0_d += s0_7 * v7;
      acc0[d] = acc0_d;
    }
  }

  if (index0 < work.rows) {
    let norm = apply_sink(&state0, row0, work.split) * softmax_norm(state0);
    for (var d = 0u; d < params.v_vecs; d++) {
      write_out(out_row_offset(row0, work.split), d * 4u, acc0[d] * norm);
    }
    write_lse(state0, row0, work.split);
  }
}
