enable subgroups;

// dkv q=f32 kv=f32 result=f32 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | hooks=distance+band | path=subgroup subgroupSize=4 rowsPerLane=2 keysPerLane=2

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
  dout_offset: u32,
  dout_batch: u32,
  dout_head: u32,
  dout_row: u32,
  dk_offset: u32,
  dk_batch: u32,
  dk_head: u32,
  dk_row: u32,
  dv_offset: u32,
  dv_batch: u32,
  dv_head: u32,
  dv_row: u32,
  scale: f32,
  distances: u32,
  distance_last: i32,
  band_left: i32,
  band_right: i32,
  state_plane: u32,
  units: u32,
  q_vecs: u32,
  v_vecs: u32,
  key_turns: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dout: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> metadata: array<i32>;
@group(0) @binding(5) var<storage, read> block_mask: array<u32>;
@group(0) @binding(6) var<storage, read> captures: array<u32>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4<f32>>;
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

fn dout_row_offset(row: Row) -> u32 {
  return params.dout_offset + u32(row.batch) * params.dout_batch + u32(row.head) * params.dout_head + u32(row.q_row) * params.dout_row;
}

fn read_dout(row: u32, d: u32) -> vec4<f32> {
  return dout[(row + d) / 4u];
}

fn dk_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.dk_offset + seq.index * params.dk_batch + head * params.dk_head + (seq.k_row + key) * params.dk_row;
}

fn dv_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
  return params.dv_offset + seq.index * params.dv_batch + head * params.dv_head + (seq.k_row + key) * params.dv_row;
}

fn write_dk(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = x;
}

fn write_dv(row: u32, d: u32, x: vec4<f32>) {
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

fn diagonal_distance(row: Row, offset: i32) -> f32 {
  return bitcast<f32>(captures[params.distances + u32(clamp(offset, 0, params.distance_last))]);
}

fn score_distance(score: f32, row: Row, key: i32, diagonal: f32) -> f32 {
  return score + diagonal;
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

// From a dot product (of q already scaled) to a base-2 score.
fn mod_score(dot_product: f32, row: Row, key: i32, diagonal0: f32) -> f32 {
  var score = dot_product;
  score = score_distance(score, row, key, diagonal0);
  return select(MASKED, min(score, HIGHEST) * LOG2_E, score > SEEN);
}

// What the softmax takes in a PARTIAL tile. Without branches, which `&&` would be: some compilers never get through them.
fn masked_score(score: f32, row: Row, key: i32) -> f32 {
  return select(MASKED, score, (key < row.k_len) & visible_band(row, key));
}

// Without score hooks the base change is folded into q.
fn q_scale() -> f32 {
  return params.scale;
}

struct KeyWork {
  seq: Sequence,
  // kv head
  head: u32,
  first_key: u32,
}

fn find_keys(unit: u32) -> KeyWork {
  let per_sequence = (params.seqlen_k + TILE_N - 1u) / TILE_N;
  let tile = unit % params.tiles;
  return KeyWork(sequence(tile / per_sequence), unit / params.tiles, tile % per_sequence * TILE_N);
}

fn slope_distance(score: f32, row: Row, key: i32, diagonal: f32) -> f32 {
  return 1.0;
}

// What is known of a row: its largest score, 1 / its sum (0 for an empty row), and delta = rowsum(dOut∘out) − dLse.
struct RowState {
  row_max: f32,
  norm: f32,
  delta: f32,
}

// No row: every weight is 0.
const NO_ROW = RowState(0.0, 0.0, 0.0);

fn row_state(row: Row) -> RowState {
  let at = lse_index(row, 0u);
  return RowState(
    bitcast<f32>(metadata[at]),
    bitcast<f32>(metadata[at + params.state_plane]),
    bitcast<f32>(metadata[at + 2u * params.state_plane]),
  );
}

// P again, as the forward pass had it: for that, a final score must have the bits that it had there.
fn pair_weight(score: f32, row_max: f32, norm: f32) -> f32 {
  return softmax_weight(select(MASKED, score, norm > 0.0), row_max) * norm;
}

// By q·k·scale, of which `slope` is the score's derivative. A masked pair has no gradient, whatever its slope.
fn pair_gradient(weight: f32, d_weight: f32, delta: f32, slope: f32) -> f32 {
  return select(0.0, weight * (d_weight - delta) * slope, weight > 0.0);
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
  let key_work = find_keys(unit);
  let seq = key_work.seq;
  let head = key_work.head;
  let first_key = key_work.first_key;
  if (first_key >= seq.k_len) {
    return;
  }
  let key0 = first_key + lane;
  var k0 = array<vec4<f32>, 16>();
  var v0 = array<vec4<f32>, 16>();
  var dk0 = array<vec4<f32>, 16>();
  var dv0 = array<vec4<f32>, 16>();
  if (key0 < seq.k_len) {
    for (var d = 0u; d < params.q_vecs; d++) {
      k0[d] = read_k(k_row_offset(seq, head, key0), d * 4u);
    }
    for (var d = 0u; d < params.v_vecs; d++) {
      v0[d] = read_v(v_row_offset(seq, head, key0), d * 4u);
    }
  }
  let key1 = first_key + lane + 4u;
  var k1 = array<vec4<f32>, 16>();
  var v1 = array<vec4<f32>, 16>();
  var dk1 = array<vec4<f32>, 16>();
  var dv1 = array<vec4<f32>, 16>();
  if (key1 < seq.k_len) {
    for (var d = 0u; d < params.q_vecs; d++) {
      k1[d] = read_k(k_row_offset(seq, head, key1), d * 4u);
    }
    for (var d = 0u; d < params.v_vecs; d++) {
      v1[d] = read_v(v_row_offset(seq, head, key1), d * 4u);
    }
  }

  var diagonal0_0 = 0.0;
  var diagonal0_1 = 0.0;
  var diagonal0_2 = 0.0;
  var diagonal0_3 = 0.0;
  var diagonal0_4 = 0.0;
  var diagonal0_5 = 0.0;
  var diagonal0_6 = 0.0;
  var diagonal0_7 = 0.0;
  var diagonal0_8 = 0.0;
  var diagonal0_9 = 0.0;
  var diagonal0_10 = 0.0;
  var diagonal0_11 = 0.0;
  for (var group_head = 0u; group_head < params.group; group_head++) {
    for (var first_query = 0u; first_query < seq.q_len; first_query += TILE_M) {
      let work = Work(seq, head * params.group + group_head, 0u, first_query, seq.q_len);
      let tile_class = class_of_tile(first_key / TILE_N, tile_span(work));
      if (tile_class == EMPTY) {
        continue;
      }
      let index0 = work.first_row + lane % 4u;
      let used0 = index0 < work.rows;
      let own_row0 = make_row(work, index0);
      let q_row0 = q_row_offset(own_row0);
      let dout_row0 = dout_row_offset(own_row0);
      var own_state0 = row_state(own_row0);
      if (!used0) {
        own_state0 = NO_ROW;
      }
      let index1 = work.first_row + lane % 4u + 4u;
      let used1 = index1 < work.rows;
      let own_row1 = make_row(work, index1);
      let q_row1 = q_row_offset(own_row1);
      let dout_row1 = dout_row_offset(own_row1);
      var own_state1 = row_state(own_row1);
      if (!used1) {
        own_state1 = NO_ROW;
      }

      var s0_0 = 0.0;
      var s0_1 = 0.0;
      var s0_2 = 0.0;
      var s0_3 = 0.0;
      var s0_4 = 0.0;
      var s0_5 = 0.0;
      var s0_6 = 0.0;
      var s0_7 = 0.0;
      var s1_0 = 0.0;
      var s1_1 = 0.0;
      var s1_2 = 0.0;
      var s1_3 = 0.0;
      var s1_4 = 0.0;
      var s1_5 = 0.0;
      var s1_6 = 0.0;
      var s1_7 = 0.0;
      for (var d = 0u; d < params.q_vecs; d++) {
        var own0 = vec4<f32>();
        if (used0) {
          own0 = read_q(q_row0, d * 4u) * q_scale();
        }
        var own1 = vec4<f32>();
        if (used1) {
          own1 = read_q(q_row1, d * 4u) * q_scale();
        }
        let k0_d = k0[d];
        let k1_d = k1[d];
        let q0 = subgroupBroadcast(own0, 0u);
        s0_0 += dot(k0_d, q0);
        s1_0 += dot(k1_d, q0);
        let q1 = subgroupBroadcast(own0, 1u);
        s0_1 += dot(k0_d, q1);
        s1_1 += dot(k1_d, q1);
        let q2 = subgroupBroadcast(own0, 2u);
        s0_2 += dot(k0_d, q2);
        s1_2 += dot(k1_d, q2);
        let q3 = subgroupBroadcast(own0, 3u);
        s0_3 += dot(k0_d, q3);
        s1_3 += dot(k1_d, q3);
        let q4 = subgroupBroadcast(own1, 0u);
        s0_4 += dot(k0_d, q4);
        s1_4 += dot(k1_d, q4);
        let q5 = subgroupBroadcast(own1, 1u);
        s0_5 += dot(k0_d, q5);
        s1_5 += dot(k1_d, q5);
        let q6 = subgroupBroadcast(own1, 2u);
        s0_6 += dot(k0_d, q6);
        s1_6 += dot(k1_d, q6);
        let q7 = subgroupBroadcast(own1, 3u);
        s0_7 += dot(k0_d, q7);
        s1_7 += dot(k1_d, q7);
      }
      let tile_row = make_row(work, work.first_row);
      // One value for all scores with the same query − key.
      for (var turn = 0u; turn < params.key_turns + 1u; turn++) {
        let offset = tile_row.query - i32(key0) + 4 - i32(turn * 4u);
        diagonal0_11 = diagonal0_7;
        diagonal0_10 = diagonal0_6;
        diagonal0_9 = diagonal0_5;
        diagonal0_8 = diagonal0_4;
        diagonal0_7 = diagonal0_3;
        diagonal0_6 = diagonal0_2;
        diagonal0_5 = diagonal0_1;
        diagonal0_4 = diagonal0_0;
        diagonal0_0 = diagonal_distance(tile_row, offset);
        diagonal0_1 = diagonal_distance(tile_row, offset + 1);
        diagonal0_2 = diagonal_distance(tile_row, offset + 2);
        diagonal0_3 = diagonal_distance(tile_row, offset + 3);
      }
      {
        var row = Row();
        row = make_row(work, work.first_row);
        s0_0 = mod_score(s0_0, row, i32(key0), diagonal0_4);
        s1_0 = mod_score(s1_0, row, i32(key1), diagonal0_0);
        row = make_row(work, work.first_row + 1u);
        s0_1 = mod_score(s0_1, row, i32(key0), diagonal0_5);
        s1_1 = mod_score(s1_1, row, i32(key1), diagonal0_1);
        row = make_row(work, work.first_row + 2u);
        s0_2 = mod_score(s0_2, row, i32(key0), diagonal0_6);
        s1_2 = mod_score(s1_2, row, i32(key1), diagonal0_2);
        row = make_row(work, work.first_row + 3u);
        s0_3 = mod_score(s0_3, row, i32(key0), diagonal0_7);
        s1_3 = mod_score(s1_3, row, i32(key1), diagonal0_3);
        row = make_row(work, work.first_row + 4u);
        s0_4 = mod_score(s0_4, row, i32(key0), diagonal0_8);
        s1_4 = mod_score(s1_4, row, i32(key1), diagonal0_4);
        row = make_row(work, work.first_row + 5u);
        s0_5 = mod_score(s0_5, row, i32(key0), diagonal0_9);
        s1_5 = mod_score(s1_5, row, i32(key1), diagonal0_5);
        row = make_row(work, work.first_row + 6u);
        s0_6 = mod_score(s0_6, row, i32(key0), diagonal0_10);
        s1_6 = mod_score(s1_6, row, i32(key1), diagonal0_6);
        row = make_row(work, work.first_row + 7u);
        s0_7 = mod_score(s0_7, row, i32(key0), diagonal0_11);
        s1_7 = mod_score(s1_7, row, i32(key1), diagonal0_7);
      }
      if (tile_class == PARTIAL) {
        {
          var row = Row();
          row = make_row(work, work.first_row);
          s0_0 = masked_score(s0_0, row, i32(key0));
          s1_0 = masked_score(s1_0, row, i32(key1));
          row = make_row(work, work.first_row + 1u);
          s0_1 = masked_score(s0_1, row, i32(key0));
          s1_1 = masked_score(s1_1, row, i32(key1));
          row = make_row(work, work.first_row + 2u);
          s0_2 = masked_score(s0_2, row, i32(key0));
          s1_2 = masked_score(s1_2, row, i32(key1));
          row = make_row(work, work.first_row + 3u);
          s0_3 = masked_score(s0_3, row, i32(key0));
          s1_3 = masked_score(s1_3, row, i32(key1));
          row = make_row(work, work.first_row + 4u);
          s0_4 = masked_score(s0_4, row, i32(key0));
          s1_4 = masked_score(s1_4, row, i32(key1));
          row = make_row(work, work.first_row + 5u);
          s0_5 = masked_score(s0_5, row, i32(key0));
          s1_5 = masked_score(s1_5, row, i32(key1));
          row = make_row(work, work.first_row + 6u);
          s0_6 = masked_score(s0_6, row, i32(key0));
          s1_6 = masked_score(s1_6, row, i32(key1));
          row = make_row(work, work.first_row + 7u);
          s0_7 = masked_score(s0_7, row, i32(key0));
          s1_7 = masked_score(s1_7, row, i32(key1));
        }
      }
      let row_max0 = subgroupBroadcast(own_state0.row_max, 0u);
      let norm0 = subgroupBroadcast(own_state0.norm, 0u);
      s0_0 = pair_weight(s0_0, row_max0, norm0);
      s1_0 = pair_weight(s1_0, row_max0, norm0);
      let row_max1 = subgroupBroadcast(own_state0.row_max, 1u);
      let norm1 = subgroupBroadcast(own_state0.norm, 1u);
      s0_1 = pair_weight(s0_1, row_max1, norm1);
      s1_1 = pair_weight(s1_1, row_max1, norm1);
      let row_max2 = subgroupBroadcast(own_state0.row_max, 2u);
      let norm2 = subgroupBroadcast(own_state0.norm, 2u);
      s0_2 = pair_weight(s0_2, row_max2, norm2);
      s1_2 = pair_weight(s1_2, row_max2, norm2);
      let row_max3 = subgroupBroadcast(own_state0.row_max, 3u);
      let norm3 = subgroupBroadcast(own_state0.norm, 3u);
      s0_3 = pair_weight(s0_3, row_max3, norm3);
      s1_3 = pair_weight(s1_3, row_max3, norm3);
      let row_max4 = subgroupBroadcast(own_state1.row_max, 0u);
      let norm4 = subgroupBroadcast(own_state1.norm, 0u);
      s0_4 = pair_weight(s0_4, row_max4, norm4);
      s1_4 = pair_weight(s1_4, row_max4, norm4);
      let row_max5 = subgroupBroadcast(own_state1.row_max, 1u);
      let norm5 = subgroupBroadcast(own_state1.norm, 1u);
      s0_5 = pair_weight(s0_5, row_max5, norm5);
      s1_5 = pair_weight(s1_5, row_max5, norm5);
      let row_max6 = subgroupBroadcast(own_state1.row_max, 2u);
      let norm6 = subgroupBroadcast(own_state1.norm, 2u);
      s0_6 = pair_weight(s0_6, row_max6, norm6);
      s1_6 = pair_weight(s1_6, row_max6, norm6);
      let row_max7 = subgroupBroadcast(own_state1.row_max, 3u);
      let norm7 = subgroupBroadcast(own_state1.norm, 3u);
      s0_7 = pair_weight(s0_7, row_max7, norm7);
      s1_7 = pair_weight(s1_7, row_max7, norm7);
      var dp0_0 = 0.0;
      var dp0_1 = 0.0;
      var dp0_2 = 0.0;
      var dp0_3 = 0.0;
      var dp0_4 = 0.0;
      var dp0_5 = 0.0;
      var dp0_6 = 0.0;
      var dp0_7 = 0.0;
      var dp1_0 = 0.0;
      var dp1_1 = 0.0;
      var dp1_2 = 0.0;
      var dp1_3 = 0.0;
      var dp1_4 = 0.0;
      var dp1_5 = 0.0;
      var dp1_6 = 0.0;
      var dp1_7 = 0.0;
      for (var d = 0u; d < params.v_vecs; d++) {
        var own0 = vec4<f32>();
        if (used0) {
          own0 = read_dout(dout_row0, d * 4u);
        }
        var own1 = vec4<f32>();
        if (used1) {
          own1 = read_dout(dout_row1, d * 4u);
        }
        let v0_d = v0[d];
        var dv0_d = dv0[d];
        let v1_d = v1[d];
        var dv1_d = dv1[d];
        let dout0 = subgroupBroadcast(own0, 0u);
        dp0_0 += dot(v0_d, dout0);
        dv0_d += s0_0 * dout0;
        dp1_0 += dot(v1_d, dout0);
        dv1_d += s1_0 * dout0;
        let dout1 = subgroupBroadcast(own0, 1u);
        dp0_1 += dot(v0_d, dout1);
        dv0_d += s0_1 * dout1;
        dp1_1 += dot(v1_d, dout1);
        dv1_d += s1_1 * dout1;
        let dout2 = subgroupBroadcast(own0, 2u);
        dp0_2 += dot(v0_d, dout2);
        dv0_d += s0_2 * dout2;
        dp1_2 += dot(v1_d, dout2);
        dv1_d += s1_2 * dout2;
        let dout3 = subgroupBroadcast(own0, 3u);
        dp0_3 += dot(v0_d, dout3);
        dv0_d += s0_3 * dout3;
        dp1_3 += dot(v1_d, dout3);
        dv1_d += s1_3 * dout3;
        let dout4 = subgroupBroadcast(own1, 0u);
        dp0_4 += dot(v0_d, dout4);
        dv0_d += s0_4 * dout4;
        dp1_4 += dot(v1_d, dout4);
        dv1_d += s1_4 * dout4;
        let dout5 = subgroupBroadcast(own1, 1u);
        dp0_5 += dot(v0_d, dout5);
        dv0_d += s0_5 * dout5;
        dp1_5 += dot(v1_d, dout5);
        dv1_d += s1_5 * dout5;
        let dout6 = subgroupBroadcast(own1, 2u);
        dp0_6 += dot(v0_d, dout6);
        dv0_d += s0_6 * dout6;
        dp1_6 += dot(v1_d, dout6);
        dv1_d += s1_6 * dout6;
        let dout7 = subgroupBroadcast(own1, 3u);
        dp0_7 += dot(v0_d, dout7);
        dv0_d += s0_7 * dout7;
        dp1_7 += dot(v1_d, dout7);
        dv1_d += s1_7 * dout7;
        dv0[d] = dv0_d;
        dv1[d] = dv1_d;
      }
      let delta0 = subgroupBroadcast(own_state0.delta, 0u);
      s0_0 = pair_gradient(s0_0, dp0_0, delta0, 1.0);
      s1_0 = pair_gradient(s1_0, dp1_0, delta0, 1.0);
      let delta1 = subgroupBroadcast(own_state0.delta, 1u);
      s0_1 = pair_gradient(s0_1, dp0_1, delta1, 1.0);
      s1_1 = pair_gradient(s1_1, dp1_1, delta1, 1.0);
      let delta2 = subgroupBroadcast(own_state0.delta, 2u);
      s0_2 = pair_gradient(s0_2, dp0_2, delta2, 1.0);
      s1_2 = pair_gradient(s1_2, dp1_2, delta2, 1.0);
      let delta3 = subgroupBroadcast(own_state0.delta, 3u);
      s0_3 = pair_gradient(s0_3, dp0_3, delta3, 1.0);
      s1_3 = pair_gradient(s1_3, dp1_3, delta3, 1.0);
      let delta4 = subgroupBroadcast(own_state1.delta, 0u);
      s0_4 = pair_gradient(s0_4, dp0_4, delta4, 1.0);
      s1_4 = pair_gradient(s1_4, dp1_4, delta4, 1.0);
      let delta5 = subgroupBroadcast(own_state1.delta, 1u);
      s0_5 = pair_gradient(s0_5, dp0_5, delta5, 1.0);
      s1_5 = pair_gradient(s1_5, dp1_5, delta5, 1.0);
      let delta6 = subgroupBroadcast(own_state1.delta, 2u);
      s0_6 = pair_gradient(s0_6, dp0_6, delta6, 1.0);
      s1_6 = pair_gradient(s1_6, dp1_6, delta6, 1.0);
      let delta7 = subgroupBroadcast(own_state1.delta, 3u);
      s0_7 = pair_gradient(s0_7, dp0_7, delta7, 1.0);
      s1_7 = pair_gradient(s1_7, dp1_7, delta7, 1.0);
      for (var d = 0u; d < params.q_vecs; d++) {
        var own0 = vec4<f32>();
        if (used0) {
          own0 = read_q(q_row0, d * 4u);
        }
        var own1 = vec4<f32>();
        if (used1) {
          own1 = read_q(q_row1, d * 4u);
        }
        var dk0_d = dk0[d];
        var dk1_d = dk1[d];
        let q0 = subgroupBroadcast(own0, 0u);
        dk0_d += s0_0 * q0;
        dk1_d += s1_0 * q0;
        let q1 = subgroupBroadcast(own0, 1u);
        dk0_d += s0_1 * q1;
        dk1_d += s1_1 * q1;
        let q2 = subgroupBroadcast(own0, 2u);
        dk0_d += s0_2 * q2;
        dk1_d += s1_2 * q2;
        let q3 = subgroupBroadcast(own0, 3u);
        dk0_d += s0_3 * q3;
        dk1_d += s1_3 * q3;
        let q4 = subgroupBroadcast(own1, 0u);
        dk0_d += s0_4 * q4;
        dk1_d += s1_4 * q4;
        let q5 = subgroupBroadcast(own1, 1u);
        dk0_d += s0_5 * q5;
        dk1_d += s1_5 * q5;
        let q6 = subgroupBroadcast(own1, 2u);
        dk0_d += s0_6 * q6;
        dk1_d += s1_6 * q6;
        let q7 = subgroupBroadcast(own1, 3u);
        dk0_d += s0_7 * q7;
        dk1_d += s1_7 * q7;
        dk0[d] = dk0_d;
        dk1[d] = dk1_d;
      }
    }
  }

  if (key0 < seq.k_len) {
    for (var d = 0u; d < params.q_vecs; d++) {
      write_dk(dk_row_offset(seq, head, key0), d * 4u, dk0[d] * params.scale);
    }
    for (var d = 0u; d < params.v_vecs; d++) {
      write_dv(dv_row_offset(seq, head, key0), d * 4u, dv0[d]);
    }
  }
  if (key1 < seq.k_len) {
    for (var d = 0u; d < params.q_vecs; d++) {
      write_dk(dk_row_offset(seq, head, key1), d * 4u, dk1[d] * params.scale);
    }
    for (var d = 0u; d < params.v_vecs; d++) {
      write_dv(dv_row_offset(seq, head, key1), d * 4u, dv1[d]);
    }
  }
}
