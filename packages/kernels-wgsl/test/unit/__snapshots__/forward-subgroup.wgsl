enable subgroups;

// q=f32 kv=f32 out=f32 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | rows=head | hooks=band | path=subgroup subgroupSize=4 rowsPerLane=2 keysPerLane=1

const NONE = 0xffffffffu;

const EMPTY = 0u;
const PARTIAL = 1u;
const FULL = 2u;

struct Params {
  batch: u32,
  seqlen_q: u32,
  seqlen_k: u32,
  used_k: u32,
  tiles: u32,
  splits: u32,
  group: u32,
  align_end: u32,
  q_offset: u32,
  q_batch: u32,
  q_head: u32,
  q_row: u32,
  out_offset: u32,
  out_batch: u32,
  out_head: u32,
  out_row: u32,
  out_split: u32,
  lse_offset: u32,
  lse_batch: u32,
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
@group(0) @binding(1) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
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

fn sequence(b: u32) -> Sequence {
  return Sequence(b, 0u, params.seqlen_q, 0u, used_length(b, params.seqlen_k));
}

const TILE_M = 8u;

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

fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
  let rows = params.seqlen_q;
  let per_sequence = (rows + TILE_M - 1u) / TILE_M;
  return Work(sequence(tile / per_sequence), head, split, tile % per_sequence * TILE_M, rows);
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
  return work.head;
}

fn row_position(index: u32) -> u32 {
  return index;
}

fn kv_head(work: Work) -> u32 {
  return work.head / params.group;
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
  return row;
}

fn q_row_offset(row: Row) -> u32 {
  return params.q_offset + u32(row.batch) * params.q_batch + u32(row.head) * params.q_head + u32(row.q_row) * params.q_row;
}

fn out_row_offset(row: Row, split: u32) -> u32 {
  return params.out_offset + split * params.out_split + u32(row.batch) * params.out_batch + u32(row.head) * params.out_head + u32(row.q_row) * params.out_row;
}

fn lse_index(row: Row, split: u32) -> u32 {
  return params.lse_offset + split * params.lse_split + u32(row.batch) * params.lse_batch + u32(row.head) * params.lse_head + u32(row.q_row) * params.lse_row;
}

fn k_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.k_offset + seq.index * params.k_batch + head * params.k_head + (seq.k_row + key) * params.k_row;
}

fn v_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.v_offset + seq.index * params.v_batch + head * params.v_head + (seq.k_row + key) * params.v_row;
}

fn kv_row(row: Row, key: i32) -> i32 {
  return row.k_row + key;
}

fn read_q(row: u32, d: u32) -> vec4<f32> {
  return q[(row + d) / 4u];
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  return k[(row + d) / 4u];
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  return v[(row + d) / 4u];
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

const TILE_N = 4u;

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
  let head_first = work.head;
  let head_last = work.head;
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
  let index1 = work.first_row + lane + 4u;
  let row1 = make_row(work, index1);
  var q1 = array<vec4<f32>, 16>();
  var acc1 = array<vec4<f32>, 16>();
  var state1 = softmax_init();
  for (var d = 0u; d < params.q_vecs; d++) {
    q0[d] = read_q(q_row_offset(row0), d * 4u) * q_scale();
    q1[d] = read_q(q_row_offset(row1), d * 4u) * q_scale();
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

    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s1_0 = 0.0;
    var s1_1 = 0.0;
    var s1_2 = 0.0;
    var s1_3 = 0.0;
    for (var d = 0u; d < params.q_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_k(k_row0, d * 4u);
      }
      let q0_d = q0[d];
      let q1_d = q1[d];
      let k0 = subgroupBroadcast(own0, 0u);
      s0_0 += dot(q0_d, k0);
      s1_0 += dot(q1_d, k0);
      let k1 = subgroupBroadcast(own0, 1u);
      s0_1 += dot(q0_d, k1);
      s1_1 += dot(q1_d, k1);
      let k2 = subgroupBroadcast(own0, 2u);
      s0_2 += dot(q0_d, k2);
      s1_2 += dot(q1_d, k2);
      let k3 = subgroupBroadcast(own0, 3u);
      s0_3 += dot(q0_d, k3);
      s1_3 += dot(q1_d, k3);
    }
    if (tile_class == PARTIAL) {
      s0_0 = masked_score(s0_0, row0, i32(first_key));
      s1_0 = masked_score(s1_0, row1, i32(first_key));
      s0_1 = masked_score(s0_1, row0, i32(first_key + 1u));
      s1_1 = masked_score(s1_1, row1, i32(first_key + 1u));
      s0_2 = masked_score(s0_2, row0, i32(first_key + 2u));
      s1_2 = masked_score(s1_2, row1, i32(first_key + 2u));
      s0_3 = masked_score(s0_3, row0, i32(first_key + 3u));
      s1_3 = masked_score(s1_3, row1, i32(first_key + 3u));
    }
    let factor0 = softmax_rescale(&state0, max(max(max(s0_0, s0_1), s0_2), s0_3));
    s0_0 = softmax_weight(s0_0, state0.row_max);
    s0_1 = softmax_weight(s0_1, state0.row_max);
    s0_2 = softmax_weight(s0_2, state0.row_max);
    s0_3 = softmax_weight(s0_3, state0.row_max);
    state0.row_sum += s0_0 + s0_1 + s0_2 + s0_3;
    let factor1 = softmax_rescale(&state1, max(max(max(s1_0, s1_1), s1_2), s1_3));
    s1_0 = softmax_weight(s1_0, state1.row_max);
    s1_1 = softmax_weight(s1_1, state1.row_max);
    s1_2 = softmax_weight(s1_2, state1.row_max);
    s1_3 = softmax_weight(s1_3, state1.row_max);
    state1.row_sum += s1_0 + s1_1 + s1_2 + s1_3;

    for (var d = 0u; d < params.v_vecs; d++) {
      var own0 = vec4<f32>();
      if (used0) {
        own0 = read_v(v_row0, d * 4u);
      }
      var acc0_d = acc0[d] * factor0;
      var acc1_d = acc1[d] * factor1;
      let v0 = subgroupBroadcast(own0, 0u);
      acc0_d += s0_0 * v0;
      acc1_d += s1_0 * v0;
      let v1 = subgroupBroadcast(own0, 1u);
      acc0_d += s0_1 * v1;
      acc1_d += s1_1 * v1;
      let v2 = subgroupBroadcast(own0, 2u);
      acc0_d += s0_2 * v2;
      acc1_d += s1_2 * v2;
      let v3 = subgroupBroadcast(own0, 3u);
      acc0_d += s0_3 * v3;
      acc1_d += s1_3 * v3;
      acc0[d] = acc0_d;
      acc1[d] = acc1_d;
    }
  }

  if (index0 < work.rows) {
    let norm = apply_sink(&state0, row0, work.split) * softmax_norm(state0);
    for (var d = 0u; d < params.v_vecs; d++) {
      write_out(out_row_offset(row0, work.split), d * 4u, acc0[d] * norm);
    }
    write_lse(state0, row0, work.split);
  }
  if (index1 < work.rows) {
    let norm = apply_sink(&state1, row1, work.split) * softmax_norm(state1);
    for (var d = 0u; d < params.v_vecs; d++) {
      write_out(out_row_offset(row1, work.split), d * 4u, acc1[d] * norm);
    }
    write_lse(state1, row1, work.split);
  }
}
