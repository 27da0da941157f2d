// q=f32 kv=int4 out=f32 | d=64 dv=64 | varlen paged | read=vec4 write=vec4 | rows=group | hooks=band | path=subgroup subgroupSize=4 rowsPerLane=1 keysPerLane=2 branches=true

@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> k: array<u32>;
@group(0) @binding(2) var<storage, read> v: array<u32>;
@group(0) @binding(3) var<storage, read> metadata: array<i32>;
@group(0) @binding(4) var<storage, read> block_mask: array<u32>;
@group(0) @binding(5) var<storage, read> captures: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> lse: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

const TILE_M = 4u;

fn load_k(row: u32, d: u32) -> u32 {
  return k[row + (1u + d / 8u) * params.k_dim];
}

fn unpack_k(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(28u, 24u, 20u, 16u)) >> vec4<u32>(28u));
}

fn read_k(row: u32, d: u32) -> vec4<f32> {
  return scale_k(row) * unpack_k(load_k(row, d) >> (d % 8u * 4u));
}

fn load_v(row: u32, d: u32) -> u32 {
  return v[row + (1u + d / 8u) * params.v_dim];
}

fn unpack_v(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(28u, 24u, 20u, 16u)) >> vec4<u32>(28u));
}

fn read_v(row: u32, d: u32) -> vec4<f32> {
  return scale_v(row) * unpack_v(load_v(row, d) >> (d % 8u * 4u));
}

const TILE_N = 8u;

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
      let k0 = subgroupShuffle(own0, 0u);
      s0_0 += dot(q0_d, k0);
      let k1 = subgroupShuffle(own0, 1u);
      s0_1 += dot(q0_d, k1);
      let k2 = subgroupShuffle(own0, 2u);
      s0_2 += dot(q0_d, k2);
      let k3 = subgroupShuffle(own0, 3u);
      s0_3 += dot(q0_d, k3);
      let k4 = subgroupShuffle(own1, 0u);
      s0_4 += dot(q0_d, k4);
      let k5 = subgroupShuffle(own1, 1u);
      s0_5 += dot(q0_d, k5);
      let k6 = subgroupShuffle(own1, 2u);
      s0_6 += dot(q0_d, k6);
      let k7 = subgroupShuffle(own1, 3u);
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
      let v0 = subgroupShuffle(own0, 0u);
      acc0_d += s0_0 * v0;
      let v1 = subgroupShuffle(own0, 1u);
      acc0_d += s0_1 * v1;
      let v2 = subgroupShuffle(own0, 2u);
      acc0_d += s0_2 * v2;
      let v3 = subgroupShuffle(own0, 3u);
      acc0_d += s0_3 * v3;
      let v4 = subgroupShuffle(own1, 0u);
      acc0_d += s0_4 * v4;
      let v5 = subgroupShuffle(own1, 1u);
      acc0_d += s0_5 * v5;
      let v6 = subgroupShuffle(own1, 2u);
      acc0_d += s0_6 * v6;
      let v7 = subgroupShuffle(own1, 3u);
      acc0_d += s0_7 * v7;
      if (d < 8u) {
        if (d < 4u) {
          if (d < 2u) {
            if (d < 1u) {
              acc0[0] = acc0_d;
            } else {
              acc0[1] = acc0_d;
            }
          } else {
            if (d < 3u) {
              acc0[2] = acc0_d;
            } else {
              acc0[3] = acc0_d;
            }
          }
        } else {
          if (d < 6u) {
            if (d < 5u) {
              acc0[4] = acc0_d;
            } else {
              acc0[5] = acc0_d;
            }
          } else {
            if (d < 7u) {
              acc0[6] = acc0_d;
            } else {
              acc0[7] = acc0_d;
            }
          }
        }
      } else {
        if (d < 12u) {
          if (d < 10u) {
            if (d < 9u) {
              acc0[8] = acc0_d;
            } else {
              acc0[9] = acc0_d;
            }
          } else {
            if (d < 11u) {
              acc0[10] = acc0_d;
            } else {
              acc0[11] = acc0_d;
            }
          }
        } else {
          if (d < 14u) {
            if (d < 13u) {
              acc0[12] = acc0_d;
            } else {
              acc0[13] = acc0_d;
            }
          } else {
            if (d < 15u) {
              acc0[14] = acc0_d;
            } else {
              acc0[15] = acc0_d;
            }
          }
        }
      }
    }
  }

  if (index0 < work.rows) {
    let norm = finish_row(&state0, row0, work.split);
    for (var d = 0u; d < params.v_vecs; d++) {
      write_out(out_row_offset(row0, work.split), d * 4u, acc0[d] * norm);
    }
    write_lse(state0, row0, work.split);
  }
}
