enable chromium_experimental_subgroup_matrix;
enable subgroups;
enable f16;

// q=f16 kv=f16 out=f16 | d=40 dv=36 | varlen paged | read=vec4 write=vec4 | rows=group | hooks=softcap+alibi+band | path=matrix M=8 N=16 K=16 threadsM=8 rowsPerThread=1 unroll=true

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
  scale: f32,
  softcap: f32,
  slopes: u32,
  slopes_batch: u32,
  slopes_head: u32,
  band_left: i32,
  band_right: i32,
  state_plane: u32,
  sinks: u32,
  sinks_head: u32,
  write_lse: u32,
  units: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec2<u32>>;
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
  slope: f32,
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
  row.slope = bitcast<f32>(captures[params.slopes + batch * params.slopes_batch + head * params.slopes_head]);
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

// f32 to f16 bits, round to nearest even.
fn round_f16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return sign | 0x7e00u;
  }
  if (magnitude >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (magnitude < 0x38800000u) {
    // A subnormal half: the mantissa, hidden bit included, in units of 2^-24.
    let shift = min(126u - (magnitude >> 23u), 31u);
    let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    let kept = mantissa >> shift;
    let rest = mantissa - (kept << shift);
    let half = 1u << (shift - 1u);
    let up = rest > half || (rest == half && (kept & 1u) == 1u);
    return sign | (kept + select(0u, 1u, up));
  }
  let rebased = magnitude - 0x38000000u;
  return sign | ((rebased + 0xfffu + ((rebased >> 13u) & 1u)) >> 13u);
}

fn pack_f16(low: f32, high: f32) -> u32 {
  return round_f16(low) | (round_f16(high) << 16u);
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = vec2<u32>(pack_f16(x.x, x.y), pack_f16(x.z, x.w));
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
fn mod_score(dot_product: f32, row: Row, key: i32) -> f32 {
  var score = dot_product;
  score = score_softcap(score, row, key);
  score = score_alibi(score, row, key);
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

// Padded rows keep neighbours in different banks; matrices begin at multiples of 16 bytes.
const STAGED = 18u;
var<workgroup> q_tile: array<vec4<f16>, 144>; // 1152 bytes
var<workgroup> kv_tile: array<vec4<f16>, 576>; // 4608 bytes
var<workgroup> weights: array<vec4<f16>, 80>; // 640 bytes
var<workgroup> rests: array<vec4<f16>, 80>; // 640 bytes
var<workgroup> product: array<vec4<f32>, 72>; // 1152 bytes
var<workgroup> partial: array<f32, 64>; // 256 bytes

// The rows, filled up with zeros to 64 elements, of q of the tile's query rows.
fn stage_q(work: Work, thread: u32) {
  for (var i = thread; i < TILE_M * 16u; i += 64u) {
    let d = i % 16u * 4u;
    var x = vec4<f32>();
    if (d < 40u) {
      x = read_q(q_row_offset(make_row(work, work.first_row + i / 16u)), d);
    }
    q_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// The rows, filled up with zeros to 64 elements, of k of the tile's keys.
fn stage_k(seq: Sequence, head: u32, first_key: u32, thread: u32) {
  for (var i = thread; i < TILE_N * 16u; i += 64u) {
    let key = first_key + i / 16u;
    let d = i % 16u * 4u;
    var x = vec4<f32>();
    if (key < seq.k_len && d < 40u) {
      x = read_k(k_row_offset(seq, head, key), d);
    }
    kv_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// The rows, filled up with zeros to 64 elements, of v of the tile's keys.
fn stage_v(seq: Sequence, head: u32, first_key: u32, thread: u32) {
  for (var i = thread; i < TILE_N * 16u; i += 64u) {
    let key = first_key + i / 16u;
    let d = i % 16u * 4u;
    var x = vec4<f32>();
    if (key < seq.k_len && d < 36u) {
      x = read_v(v_row_offset(seq, head, key), d);
    }
    kv_tile[i / 16u * STAGED + i % 16u] = vec4<f16>(x);
  }
}

// At most 1; small ones need the range of f16 below that, so a power of two moves them up.
const WEIGHT_SCALE = 32768.0;

// Weights in two parts, which together have the precision of f32: what f16 holds of them, and the rest.
fn keep_weights(at: u32, x: vec4<f32>) {
  let scaled = x * WEIGHT_SCALE;
  let held = bitcast<vec4<f32>>(bitcast<vec4<u32>>(scaled) & vec4<u32>(0xffffe000u));
  weights[at] = vec4<f16>(held);
  rests[at] = vec4<f16>(scaled - held);
}

// product = q · k of the tile.
fn multiply_keys(subgroup: u32, subgroups: u32) {
  for (var matrix = subgroup; matrix < 2u; matrix += subgroups) {
    let row = matrix / 2u * 8u;
    let column = matrix % 2u * 16u;
    var sum = subgroup_matrix_result<f32, 16, 8>();
    for (var inner = 0u; inner < 48u; inner += 16u) {
      let right = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&kv_tile, column * STAGED + inner / 4u, STAGED);
      let q_tile_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&q_tile, row * STAGED + inner / 4u, STAGED);
      sum = subgroupMatrixMultiplyAccumulate(q_tile_left, right, sum);
    }
    subgroupMatrixStore<row_major>(&product, row * 9u + column / 4u, sum, 9u);
  }
}

// product = weights · 32 columns of v, from vector `first` on.
fn multiply_values(first: u32, subgroup: u32, subgroups: u32) {
  for (var matrix = subgroup; matrix < 2u; matrix += subgroups) {
    let row = matrix / 2u * 8u;
    let column = matrix % 2u * 16u;
    var sum = subgroup_matrix_result<f32, 16, 8>();
    for (var inner = 0u; inner < 32u; inner += 16u) {
      let right = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&kv_tile, inner * STAGED + first + column / 4u, STAGED);
      let weights_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, row * 10u + inner / 4u, 10u);
      sum = subgroupMatrixMultiplyAccumulate(weights_left, right, sum);
      let rests_left = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&rests, row * 10u + inner / 4u, 10u);
      sum = subgroupMatrixMultiplyAccumulate(rests_left, right, sum);
    }
    subgroupMatrixStore<row_major>(&product, row * 9u + column / 4u, sum, 9u);
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
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
  let column = thread % 8u;
  let first_row = thread / 8u;

  let row0 = make_row(work, work.first_row + first_row);
  var state0 = softmax_init();
  var acc0 = array<vec4<f32>, 2>();
  stage_q(work, thread);

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    workgroupBarrier();
    stage_k(work.seq, head, first_key, thread);
    workgroupBarrier();
    multiply_keys(subgroup, subgroups);
    workgroupBarrier();
    var s0 = product[first_row * 9u + column] * q_scale();

    let key = i32(first_key + column * 4u);
    s0[0] = mod_score(s0[0], row0, key);
    s0[1] = mod_score(s0[1], row0, key + 1);
    s0[2] = mod_score(s0[2], row0, key + 2);
    s0[3] = mod_score(s0[3], row0, key + 3);
    if (tile_class == PARTIAL) {
      s0[0] = masked_score(s0[0], row0, key);
      s0[1] = masked_score(s0[1], row0, key + 1);
      s0[2] = masked_score(s0[2], row0, key + 2);
      s0[3] = masked_score(s0[3], row0, key + 3);
    }
    partial[first_row * 8u + column] = max(max(s0.x, s0.y), max(s0.z, s0.w));
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
    keep_weights(first_row * 10u + column, s0);

    stage_v(work.seq, head, first_key, thread);
    {
      workgroupBarrier();
      multiply_values(0u * 8u, subgroup, subgroups);
      workgroupBarrier();
      acc0[0u] = acc0[0u] * factor0 + product[first_row * 9u + column] / WEIGHT_SCALE;
    }
    {
      workgroupBarrier();
      multiply_values(1u * 8u, subgroup, subgroups);
      workgroupBarrier();
      acc0[1u] = acc0[1u] * factor0 + product[first_row * 9u + column] / WEIGHT_SCALE;
    }
  }

  workgroupBarrier();
  partial[first_row * 8u + column] = state0.row_sum;
  workgroupBarrier();
  state0.row_sum = 0.0;
  for (var i = 0u; i < 8u; i++) {
    state0.row_sum += partial[first_row * 8u + i];
  }
  if (work.first_row + first_row < work.rows) {
    let sink = apply_sink(&state0, row0, work.split);
    let norm = sink * softmax_norm(state0);
    let out_row = out_row_offset(row0, work.split);
    {
      let d = 0u * 32u + column * 4u;
      if (d < 36u) {
        write_out(out_row, d, acc0[0u] * norm);
      }
    }
    {
      let d = 1u * 32u + column * 4u;
      if (d < 36u) {
        write_out(out_row, d, acc0[1u] * norm);
      }
    }
    if (column == 0u) {
      write_lse(state0, row0, work.split);
    }
  }
}
