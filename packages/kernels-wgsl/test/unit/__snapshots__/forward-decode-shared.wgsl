// q=f32 kv=f32 out=f32 | d=72 dv=64 | varlen paged | read=vec4 write=vec4 | rows=group shared | hooks=band | path=decode rows=2 lanes=16 keysPerLane=1 shuffled=8

const TILE_M = 2u;

var<workgroup> scores: array<vec2<f32>, 8>; // 64 bytes
var<workgroup> weights: array<f32, 64>; // 256 bytes
var<workgroup> columns: array<f32, 64>; // 256 bytes
var<workgroup> factors: array<f32, 2>; // 8 bytes
var<workgroup> team_sums: array<vec4<f32>, 64>; // 1024 bytes

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
  let lane = thread % 16u;
  let team = thread / 16u;
  // The row whose scores this thread finishes, and the first of its keys in a tile.
  let index = thread % 2u;
  let row = make_row(work, work.first_row + index);
  let column = thread / 2u;
  var state = softmax_init();
  let k_d0 = min(lane * 4u, 68u);
  let k_d1 = min(lane * 4u + 64u, 68u);
  let q_row0 = q_row_offset(make_row(work, work.first_row));
  let q0_0 = select(vec4<f32>(), read_q(q_row0, min(lane * 4u, 68u)) * q_scale(), lane * 4u < 72u);
  let q0_1 = select(vec4<f32>(), read_q(q_row0, min(lane * 4u + 64u, 68u)) * q_scale(), lane * 4u + 64u < 72u);
  var acc0_0 = vec4<f32>();
  let q_row1 = q_row_offset(make_row(work, work.first_row + 1u));
  let q1_0 = select(vec4<f32>(), read_q(q_row1, min(lane * 4u, 68u)) * q_scale(), lane * 4u < 72u);
  let q1_1 = select(vec4<f32>(), read_q(q_row1, min(lane * 4u + 64u, 68u)) * q_scale(), lane * 4u + 64u < 72u);
  var acc1_0 = vec4<f32>();

  let tiles = key_tiles(work, span);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let tile_class = class_of_tile(tile, span);
    if (tile_class == EMPTY) {
      continue;
    }
    let first_key = tile * TILE_N;
    let key0 = min(first_key + team, work.seq.k_len - 1u);
    let k_row0 = k_row_offset(work.seq, head, key0);
    let k0_0 = read_k(k_row0, k_d0);
    let k0_1 = read_k(k_row0, k_d1);
    var s0_0 = vec2<f32>(
      add_dot(add_dot(0.0, q0_0, k0_0), q0_1, k0_1),
      add_dot(add_dot(0.0, q1_0, k0_0), q1_1, k0_1),
    );
    s0_0 += subgroupShuffleXor(s0_0, 1u);
    s0_0 += subgroupShuffleXor(s0_0, 2u);
    s0_0 += subgroupShuffleXor(s0_0, 4u);
    if (lane % 8u == 0u) {
      scores[lane / 8u * 4u + team] = s0_0;
    }
    workgroupBarrier();
    let key = i32(first_key + column);
    var s0 = MASKED;
    if (thread < 8u) {
      s0 = scores[thread / 2u][thread % 2u] + scores[(thread + 8u) / 2u][thread % 2u];
      if (tile_class == PARTIAL) {
        s0 = masked_score(s0, row, key);
      }
    }
    var tile_max = s0;
    tile_max = max(tile_max, subgroupShuffleXor(tile_max, 2u));
    tile_max = max(tile_max, subgroupShuffleXor(tile_max, 4u));
    if (thread % 8u < 2u) {
      columns[index * 8u + thread / 8u] = tile_max;
    }
    workgroupBarrier();
    tile_max = columns[index * 8u];
    for (var i = 1u; i < 8u; i++) {
      tile_max = max(tile_max, columns[index * 8u + i]);
    }
    let factor = softmax_rescale(&state, tile_max);
    s0 = softmax_weight(s0, state.row_max);
    // A thread sums its own keys only; the columns meet in the end.
    state.row_sum += s0;
    weights[thread] = s0;
    if (thread < 2u) {
      factors[thread] = factor;
    }
    workgroupBarrier();
    let factor0 = factors[0];
    acc0_0 *= factor0;
    let factor1 = factors[1];
    acc1_0 *= factor1;
    let p0_0 = vec4<f32>(weights[team * 2u]);
    acc0_0 = fma(p0_0, k0_0, acc0_0);
    let p0_1 = vec4<f32>(weights[team * 2u + 1u]);
    acc1_0 = fma(p0_1, k0_0, acc1_0);
  }

  state.row_sum = state.row_sum + subgroupShuffleXor(state.row_sum, 2u);
  state.row_sum = state.row_sum + subgroupShuffleXor(state.row_sum, 4u);
  if (thread % 8u < 2u) {
    columns[index * 8u + thread / 8u] = state.row_sum;
  }
  workgroupBarrier();
  state.row_sum = columns[index * 8u];
  for (var i = 1u; i < 8u; i++) {
    state.row_sum = state.row_sum + columns[index * 8u + i];
  }
  if (thread < 2u && work.first_row + index < work.rows) {
    factors[thread] = finish_row(&state, row, work.split);
    write_lse(state, row, work.split);
  }
  team_sums[team * 16u + lane] = acc0_0;
  workgroupBarrier();
  if (work.first_row < work.rows) {
    let out_row = out_row_offset(make_row(work, work.first_row), work.split);
    for (var i = thread; i < 16u; i += 64u) {
      var sum = team_sums[i];
      for (var other = 1u; other < params.key_turns; other++) {
        sum += team_sums[i + other * 16u];
      }
      write_out(out_row, i * 4u, sum * factors[0]);
    }
  }
  workgroupBarrier();
  team_sums[team * 16u + lane] = acc1_0;
  workgroupBarrier();
  if (work.first_row + 1u < work.rows) {
    let out_row = out_row_offset(make_row(work, work.first_row + 1u), work.split);
    for (var i = thread; i < 16u; i += 64u) {
      var sum = team_sums[i];
      for (var other = 1u; other < params.key_turns; other++) {
        sum += team_sums[i + other * 16u];
      }
      write_out(out_row, i * 4u, sum * factors[1]);
    }
  }
}
