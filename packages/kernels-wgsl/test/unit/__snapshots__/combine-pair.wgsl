// combine pair dv=5 part=f16 out=f16 read=scalar write=pair

@group(0) @binding(0) var<storage, read> part: array<u32>;
@group(0) @binding(1) var<storage, read> part_lse: array<u32>;
@group(0) @binding(2) var<storage, read> other: array<u32>;
@group(0) @binding(3) var<storage, read> other_lse: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<u32>;
@group(0) @binding(5) var<storage, read_write> lse: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

fn read_part_at(index: u32) -> f32 {
  let word = part[index / 2u];
  let pair = unpack2x16float(word);
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_part(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_part_at(row + d * params.part_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 5u) {
    x[1] = read_part_at(row + (d + 1u) * params.part_dim);
  }
  if (d + 2u < 5u) {
    x[2] = read_part_at(row + (d + 2u) * params.part_dim);
  }
  if (d + 3u < 5u) {
    x[3] = read_part_at(row + (d + 3u) * params.part_dim);
  }
  return x;
}

fn read_other_at(index: u32) -> f32 {
  let word = other[index / 2u];
  let pair = unpack2x16float(word);
  return select(pair.x, pair.y, index % 2u == 1u);
}

fn read_other(row: u32, d: u32) -> vec4<f32> {
  var x = vec4<f32>(read_other_at(row + d * params.other_dim), 0.0, 0.0, 0.0);
  if (d + 1u < 5u) {
    x[1] = read_other_at(row + (d + 1u) * params.other_dim);
  }
  if (d + 2u < 5u) {
    x[2] = read_other_at(row + (d + 2u) * params.other_dim);
  }
  if (d + 3u < 5u) {
    x[3] = read_other_at(row + (d + 3u) * params.other_dim);
  }
  return x;
}

fn write_out(row: u32, d: u32, x: vec4<f32>) {
  let word = (row + d) / 2u;
  if (d + 1u < 5u) {
    out[word] = pack_f16(x.x, x.y);
  } else if (d < 5u) {
    out[word] = (out[word] & 0xffff0000u) | round_f16(x.x);
  }
  if (d + 3u < 5u) {
    out[word + 1u] = pack_f16(x.z, x.w);
  } else if (d + 2u < 5u) {
    out[word + 1u] = (out[word + 1u] & 0xffff0000u) | round_f16(x.z);
  }
}

const V_VECS = 2u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (thread >= params.threads) {
    return;
  }
  let d = thread % V_VECS * 4u;
  let row = thread / V_VECS % params.rows;
  let head = thread / V_VECS / params.rows % params.heads;
  let outer = thread / V_VECS / params.rows / params.heads;

  var state = softmax_init();
  var acc = vec4<f32>();
  let part_row = params.part_offset + outer * params.part_outer + head * params.part_head + row * params.part_row;
  let part_lse_row = params.part_lse_offset + outer * params.part_lse_outer + head * params.part_lse_head + row * params.part_lse_row;
  for (var first = 0u; first < params.parts; first += 1u) {
    let part0 = first;
    let lse0 = part_lse_row + part0 * params.part_lse_step;
    let value0 = read_part(part_row + part0 * params.part_step, d);
    let score0 = softmax_score(part_lse[lse0]);
    {
      acc *= softmax_rescale(&state, score0);
      let weight = softmax_weight(score0, state.row_max);
      state.row_sum += weight;
      acc += select(vec4<f32>(), weight * value0, weight > 0.0);
    }
  }
  let other_row = params.other_offset + outer * params.other_outer + head * params.other_head + row * params.other_row;
  let other_lse_row = params.other_lse_offset + outer * params.other_lse_outer + head * params.other_lse_head + row * params.other_lse_row;
  let other_score = softmax_score(other_lse[other_lse_row]);
  let other_value = read_other(other_row, d);
  acc *= softmax_rescale(&state, other_score);
  let weight = softmax_weight(other_score, state.row_max);
  state.row_sum += weight;
  acc += select(vec4<f32>(), weight * other_value, weight > 0.0);

  write_out(params.out_offset + outer * params.out_outer + head * params.out_head + row * params.out_row, d, acc * softmax_norm(state));
  if (d == 0u && params.write_lse != 0u) {
    let at = params.lse_offset + outer * params.lse_outer + head * params.lse_head + row * params.lse_row;
    store_state(state, at);
  }
}
