// dq q=f32 kv=f32 result=f32 | d=64 dv=64 | dense strided | read=vec4 write=vec4 | hooks=band | path=portable threadsM=8 rowsPerThread=4 unroll=false

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
  out_offset: u32,
  out_batch: u32,
  out_head: u32,
  out_row: u32,
  out_split: u32,
  scale: f32,
  band_left: i32,
  band_right: i32,
  state_plane: u32,
  has_dlse: u32,
  units: u32,
  q_vecs: u32,
  v_vecs: u32,
  chunk_vecs: u32,
  q_chunks: u32,
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

const TILE_M = 32u;

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

fn out_row_offset(row: Row, split: u32) -> u32 {
  return params.out_offset + split * params.out_split + u32(row.batch) * params.out_batch + u32(row.head) * params.out_head + u32(row.q_row) * params.out_row;
}

fn write_dq(row: u32, d: u32, x: vec4<f32>) {
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
  // The score to which the sum and the weights are relative.
  row_max: f32,
  row_sum: f32,
  // The row's maximum before its sink, once the row is finished.
  key_max: f32,
}

fn softmax_init() -> Softmax {
  return Softmax(MASKED, 0.0, MASKED);
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

const TILE_N = 32u;

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

// Weights above this are 1 but for rounding.
const ALL_WEIGHT = 0.9999998;

// With respect to q·k·scale. `score_derivative` is d(score) / d(q·k·scale). A masked pair has no gradient, whatever it is. Nor has
// the only key of a row, unless lse has one: dP is delta, but its last digits differ where it is summed in another order.
fn pair_gradient(weight: f32, d_weight: f32, delta: f32, score_derivative: f32) -> f32 {
  let is_varied = (weight > 0.0) & ((weight < ALL_WEIGHT) | (params.has_dlse != 0u));
  return select(0.0, weight * (d_weight - delta) * score_derivative, is_varied);
}

// A padded row of 9 vectors keeps neighbouring rows in different banks.
const STAGED = 9u;
var<workgroup> q_tile: array<vec4<f32>, 288>; // 4608 bytes
var<workgroup> kv_tile: array<vec4<f32>, 288>; // 4608 bytes

// sum + a · b, in the order of the elements: a chain is one instruction per element.
fn add_dot(sum: f32, a: vec4<f32>, b: vec4<f32>) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

fn add_scaled(sum: vec4<f32>, factor: f32, x: vec4<f32>) -> vec4<f32> {
  return fma(vec4<f32>(factor), x, sum);
}

// Elements chunk to chunk + 31 of q of the tile's query rows.
fn stage_q(work: Work, chunk: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let row = make_row(work, work.first_row + i / 8u);
    let d = chunk + i % 8u * 4u;
    let x = read_q(q_row_offset(row), d);
    q_tile[i / 8u * STAGED + i % 8u] = x * q_scale();
  }
}

// Elements chunk to chunk + 31 of dout of the tile's query rows.
fn stage_dout(work: Work, chunk: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let row = make_row(work, work.first_row + i / 8u);
    let d = chunk + i % 8u * 4u;
    let x = read_dout(dout_row_offset(row), d);
    q_tile[i / 8u * STAGED + i % 8u] = x;
  }
}

// Elements chunk to chunk + 31 of k of the tile's keys.
fn stage_k(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let key = min(first_key + i / 8u, seq.k_len - 1u);
    let d = chunk + i % 8u * 4u;
    let x = read_k(k_row_offset(seq, head, key), d);
    kv_tile[i / 8u * STAGED + i % 8u] = x;
  }
}

// Elements chunk to chunk + 31 of v of the tile's keys.
fn stage_v(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    let key = min(first_key + i / 8u, seq.k_len - 1u);
    let d = chunk + i % 8u * 4u;
    let x = read_v(v_row_offset(seq, head, key), d);
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
  let first_row = (thread % 2u + thread / 16u * 2u) * 4u;

  let row0 = make_row(work, work.first_row + first_row);
  let state0 = row_state(row0);
  var dq0 = array<vec4<f32>, 2>();
  let row1 = make_row(work, work.first_row + first_row + 1u);
  let state1 = row_state(row1);
  var dq1 = array<vec4<f32>, 2>();
  let row2 = make_row(work, work.first_row + first_row + 2u);
  let state2 = row_state(row2);
  var dq2 = array<vec4<f32>, 2>();
  let row3 = make_row(work, work.first_row + first_row + 3u);
  let state3 = row_state(row3);
  var dq3 = array<vec4<f32>, 2>();

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
    var dp0 = vec4<f32>();
    var dp1 = vec4<f32>();
    var dp2 = vec4<f32>();
    var dp3 = vec4<f32>();
    for (var chunk = 0u; chunk < params.v_vecs; chunk += 8u) {
      workgroupBarrier();
      stage_dout(work, chunk * 4u, thread);
      stage_v(work.seq, head, first_key, chunk * 4u, thread);
      workgroupBarrier();
      for (var d = 0u; d < params.chunk_vecs; d++) {
        let v0 = kv_tile[column * STAGED + d];
        let v1 = kv_tile[(column + 8u) * STAGED + d];
        let v2 = kv_tile[(column + 16u) * STAGED + d];
        let v3 = kv_tile[(column + 24u) * STAGED + d];
        let dout0 = q_tile[first_row * STAGED + d];
        dp0[0] = add_dot(dp0[0], dout0, v0);
        dp0[1] = add_dot(dp0[1], dout0, v1);
        dp0[2] = add_dot(dp0[2], dout0, v2);
        dp0[3] = add_dot(dp0[3], dout0, v3);
        let dout1 = q_tile[(first_row + 1u) * STAGED + d];
        dp1[0] = add_dot(dp1[0], dout1, v0);
        dp1[1] = add_dot(dp1[1], dout1, v1);
        dp1[2] = add_dot(dp1[2], dout1, v2);
        dp1[3] = add_dot(dp1[3], dout1, v3);
        let dout2 = q_tile[(first_row + 2u) * STAGED + d];
        dp2[0] = add_dot(dp2[0], dout2, v0);
        dp2[1] = add_dot(dp2[1], dout2, v1);
        dp2[2] = add_dot(dp2[2], dout2, v2);
        dp2[3] = add_dot(dp2[3], dout2, v3);
        let dout3 = q_tile[(first_row + 3u) * STAGED + d];
        dp3[0] = add_dot(dp3[0], dout3, v0);
        dp3[1] = add_dot(dp3[1], dout3, v1);
        dp3[2] = add_dot(dp3[2], dout3, v2);
        dp3[3] = add_dot(dp3[3], dout3, v3);
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
    workgroupBarrier();
    s0[0] = pair_gradient(pair_weight(s0[0], state0.row_max, state0.norm), dp0[0], state0.delta, 1.0);
    s0[1] = pair_gradient(pair_weight(s0[1], state0.row_max, state0.norm), dp0[1], state0.delta, 1.0);
    s0[2] = pair_gradient(pair_weight(s0[2], state0.row_max, state0.norm), dp0[2], state0.delta, 1.0);
    s0[3] = pair_gradient(pair_weight(s0[3], state0.row_max, state0.norm), dp0[3], state0.delta, 1.0);
    q_tile[first_row * STAGED + column] = s0;
    s1[0] = pair_gradient(pair_weight(s1[0], state1.row_max, state1.norm), dp1[0], state1.delta, 1.0);
    s1[1] = pair_gradient(pair_weight(s1[1], state1.row_max, state1.norm), dp1[1], state1.delta, 1.0);
    s1[2] = pair_gradient(pair_weight(s1[2], state1.row_max, state1.norm), dp1[2], state1.delta, 1.0);
    s1[3] = pair_gradient(pair_weight(s1[3], state1.row_max, state1.norm), dp1[3], state1.delta, 1.0);
    q_tile[(first_row + 1u) * STAGED + column] = s1;
    s2[0] = pair_gradient(pair_weight(s2[0], state2.row_max, state2.norm), dp2[0], state2.delta, 1.0);
    s2[1] = pair_gradient(pair_weight(s2[1], state2.row_max, state2.norm), dp2[1], state2.delta, 1.0);
    s2[2] = pair_gradient(pair_weight(s2[2], state2.row_max, state2.norm), dp2[2], state2.delta, 1.0);
    s2[3] = pair_gradient(pair_weight(s2[3], state2.row_max, state2.norm), dp2[3], state2.delta, 1.0);
    q_tile[(first_row + 2u) * STAGED + column] = s2;
    s3[0] = pair_gradient(pair_weight(s3[0], state3.row_max, state3.norm), dp3[0], state3.delta, 1.0);
    s3[1] = pair_gradient(pair_weight(s3[1], state3.row_max, state3.norm), dp3[1], state3.delta, 1.0);
    s3[2] = pair_gradient(pair_weight(s3[2], state3.row_max, state3.norm), dp3[2], state3.delta, 1.0);
    s3[3] = pair_gradient(pair_weight(s3[3], state3.row_max, state3.norm), dp3[3], state3.delta, 1.0);
    q_tile[(first_row + 3u) * STAGED + column] = s3;
    for (var chunk = 0u; chunk < params.q_chunks; chunk++) {
      workgroupBarrier();
      stage_k(work.seq, head, first_key, chunk * 32u, thread);
      workgroupBarrier();
      var sum0 = dq0[chunk];
      var sum1 = dq1[chunk];
      var sum2 = dq2[chunk];
      var sum3 = dq3[chunk];
      for (var i = 0u; i < params.chunk_vecs; i++) {
        let k0 = kv_tile[i * STAGED + column];
        let k1 = kv_tile[(i + 8u) * STAGED + column];
        let k2 = kv_tile[(i + 16u) * STAGED + column];
        let k3 = kv_tile[(i + 24u) * STAGED + column];
        let p0 = q_tile[first_row * STAGED + i];
        sum0 = add_scaled(sum0, p0[0], k0);
        sum0 = add_scaled(sum0, p0[1], k1);
        sum0 = add_scaled(sum0, p0[2], k2);
        sum0 = add_scaled(sum0, p0[3], k3);
        let p1 = q_tile[(first_row + 1u) * STAGED + i];
        sum1 = add_scaled(sum1, p1[0], k0);
        sum1 = add_scaled(sum1, p1[1], k1);
        sum1 = add_scaled(sum1, p1[2], k2);
        sum1 = add_scaled(sum1, p1[3], k3);
        let p2 = q_tile[(first_row + 2u) * STAGED + i];
        sum2 = add_scaled(sum2, p2[0], k0);
        sum2 = add_scaled(sum2, p2[1], k1);
        sum2 = add_scaled(sum2, p2[2], k2);
        sum2 = add_scaled(sum2, p2[3], k3);
        let p3 = q_tile[(first_row + 3u) * STAGED + i];
        sum3 = add_scaled(sum3, p3[0], k0);
        sum3 = add_scaled(sum3, p3[1], k1);
        sum3 = add_scaled(sum3, p3[2], k2);
        sum3 = add_scaled(sum3, p3[3], k3);
      }
      dq0[chunk] = sum0;
      dq1[chunk] = sum1;
      dq2[chunk] = sum2;
      dq3[chunk] = sum3;
    }
  }

  if (work.first_row + first_row < work.rows) {
    let out_row = out_row_offset(row0, 0u);
    for (var chunk = 0u; chunk < params.q_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 64u) {
        write_dq(out_row, d, dq0[chunk] * params.scale);
      }
    }
  }
  if (work.first_row + first_row + 1u < work.rows) {
    let out_row = out_row_offset(row1, 0u);
    for (var chunk = 0u; chunk < params.q_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 64u) {
        write_dq(out_row, d, dq1[chunk] * params.scale);
      }
    }
  }
  if (work.first_row + first_row + 2u < work.rows) {
    let out_row = out_row_offset(row2, 0u);
    for (var chunk = 0u; chunk < params.q_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 64u) {
        write_dq(out_row, d, dq2[chunk] * params.scale);
      }
    }
  }
  if (work.first_row + first_row + 3u < work.rows) {
    let out_row = out_row_offset(row3, 0u);
    for (var chunk = 0u; chunk < params.q_chunks; chunk++) {
      let d = chunk * 32u + column * 4u;
      if (d < 64u) {
        write_dq(out_row, d, dq3[chunk] * params.scale);
      }
    }
  }
}
