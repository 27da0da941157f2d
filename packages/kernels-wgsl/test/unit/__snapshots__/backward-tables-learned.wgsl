// dscale+head_softcap+alibi q=f32 kv=f32 result=f32 | d=64 dv=64 | dense strided | read=vec4 write=scalar | hooks=scale+head_softcap+alibi+band | path=portable threadsM=8 rowsPerThread=4 unroll=false

struct Row {
  batch: i32,
  head: i32,
  // Logical position, which masks and mods see.
  query: i32,
  q_row: i32,
  q_len: i32,
  k_row: i32,
  k_len: i32,
  scale: f32,
  softcap: f32,
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
  row.q_row = i32(work.seq.q_row + position);
  row.q_len = q_len;
  row.k_row = i32(work.seq.k_row);
  row.k_len = k_len;
  row.scale = bitcast<f32>(captures[params.scales + head * params.scales_head]);
  row.softcap = bitcast<f32>(captures[params.softcaps + head * params.softcaps_head]);
  row.slope = bitcast<f32>(captures[params.slopes + batch * params.slopes_batch + head * params.slopes_head]);
  return row;
}

fn chain_scale(dot_product: f32, row: Row, key: i32) -> vec2<f32> {
  var score = dot_product;
  let own = score;
  var follows = 1.0;
  score = score_scale(score, row, key);
  follows *= score_derivative_head_softcap(score, row, key);
  score = score_head_softcap(score, row, key);
  follows *= score_derivative_alibi(score, row, key);
  return vec2<f32>(own, follows);
}

fn chain_head_softcap(dot_product: f32, row: Row, key: i32) -> vec2<f32> {
  var score = dot_product;
  score = score_scale(score, row, key);
  let own = score;
  var follows = 1.0;
  score = score_head_softcap(score, row, key);
  follows *= score_derivative_alibi(score, row, key);
  return vec2<f32>(own, follows);
}

fn chain_alibi(dot_product: f32, row: Row, key: i32) -> vec2<f32> {
  var score = dot_product;
  score = score_scale(score, row, key);
  score = score_head_softcap(score, row, key);
  let own = score;
  var follows = 1.0;
  return vec2<f32>(own, follows);
}

fn score_scale(score: f32, row: Row, key: i32) -> f32 {
  return score * row.scale;
}

fn score_head_softcap(score: f32, row: Row, key: i32) -> f32 {
  return row.softcap * tanh_f32(score / row.softcap);
}

// From a dot product (of q already scaled) to a base-2 score.
fn mod_score(dot_product: f32, row: Row, key: i32) -> f32 {
  var score = dot_product;
  score = score_scale(score, row, key);
  score = score_head_softcap(score, row, key);
  score = score_alibi(score, row, key);
  return select(MASKED, min(score, HIGHEST) * LOG2_E, score > SEEN);
}

fn score_derivative_scale(score: f32, row: Row, key: i32) -> f32 {
  return row.scale;
}

fn partial_scale_0(score: f32, row: Row, key: i32) -> f32 {
  return score;
}

fn element_scale_0(score: f32, row: Row, key: i32) -> u32 {
  return u32(row.head) * params.scales_each;
}

fn score_derivative_head_softcap(score: f32, row: Row, key: i32) -> f32 {
  let t = tanh_f32(score / row.softcap);
  return 1.0 - t * t;
}

// tanh(x) − x·(1 − tanh²(x)) for x = score / cap; near 0, where the two cancel, by its series.
fn partial_head_softcap_0(score: f32, row: Row, key: i32) -> f32 {
  let x = score / row.softcap;
  let z = x * x;
  let t = tanh_f32(x);
  let near = x * z * (0.6666666667 + z * (-0.5333333333 + z * 0.3238095238));
  return select(t - x * (1.0 - t * t), near, abs(x) < 0.1);
}

fn element_head_softcap_0(score: f32, row: Row, key: i32) -> u32 {
  return u32(row.head) * params.softcaps_each;
}

// d(mod_score in natural units) / d(dot product), by the chain rule.
fn mod_score_derivative(dot_product: f32, row: Row, key: i32) -> f32 {
  var score = dot_product;
  var score_derivative = 1.0;
  score_derivative *= score_derivative_scale(score, row, key);
  score = score_scale(score, row, key);
  score_derivative *= score_derivative_head_softcap(score, row, key);
  score = score_head_softcap(score, row, key);
  score_derivative *= score_derivative_alibi(score, row, key);
  score = score_alibi(score, row, key);
  return score_derivative;
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
  var row0_sum0 = 0.0;
  var row0_sum1 = 0.0;
  var row0_sum2 = 0.0;
  let row1 = make_row(work, work.first_row + first_row + 1u);
  let state1 = row_state(row1);
  var row1_sum0 = 0.0;
  var row1_sum1 = 0.0;
  var row1_sum2 = 0.0;
  let row2 = make_row(work, work.first_row + first_row + 2u);
  let state2 = row_state(row2);
  var row2_sum0 = 0.0;
  var row2_sum1 = 0.0;
  var row2_sum2 = 0.0;
  let row3 = make_row(work, work.first_row + first_row + 3u);
  let state3 = row_state(row3);
  var row3_sum0 = 0.0;
  var row3_sum1 = 0.0;
  var row3_sum2 = 0.0;

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
    var product0 = s0;
    var product1 = s1;
    var product2 = s2;
    var product3 = s3;
    s0[0] = mod_score(s0[0], row0, key0);
    s0[1] = mod_score(s0[1], row0, key1);
    s0[2] = mod_score(s0[2], row0, key2);
    s0[3] = mod_score(s0[3], row0, key3);
    s1[0] = mod_score(s1[0], row1, key0);
    s1[1] = mod_score(s1[1], row1, key1);
    s1[2] = mod_score(s1[2], row1, key2);
    s1[3] = mod_score(s1[3], row1, key3);
    s2[0] = mod_score(s2[0], row2, key0);
    s2[1] = mod_score(s2[1], row2, key1);
    s2[2] = mod_score(s2[2], row2, key2);
    s2[3] = mod_score(s2[3], row2, key3);
    s3[0] = mod_score(s3[0], row3, key0);
    s3[1] = mod_score(s3[1], row3, key1);
    s3[2] = mod_score(s3[2], row3, key2);
    s3[3] = mod_score(s3[3], row3, key3);
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
    s0[0] = pair_gradient(pair_weight(s0[0], state0.row_max, state0.norm), dp0[0], state0.delta, 1.0);
    s0[1] = pair_gradient(pair_weight(s0[1], state0.row_max, state0.norm), dp0[1], state0.delta, 1.0);
    s0[2] = pair_gradient(pair_weight(s0[2], state0.row_max, state0.norm), dp0[2], state0.delta, 1.0);
    s0[3] = pair_gradient(pair_weight(s0[3], state0.row_max, state0.norm), dp0[3], state0.delta, 1.0);
    if (work.first_row + first_row < work.rows) {
      {
        let chain = chain_scale(product0[0], row0, key0);
        row0_sum0 += select(s0[0] * chain.y * partial_scale_0(chain.x, row0, key0), 0.0, s0[0] == 0.0);
      }
      {
        let chain = chain_head_softcap(product0[0], row0, key0);
        row0_sum1 += select(s0[0] * chain.y * partial_head_softcap_0(chain.x, row0, key0), 0.0, s0[0] == 0.0);
      }
      {
        let chain = chain_alibi(product0[0], row0, key0);
        row0_sum2 += select(s0[0] * chain.y * partial_alibi_0(chain.x, row0, key0), 0.0, s0[0] == 0.0);
      }
      {
        let chain = chain_scale(product0[1], row0, key1);
        row0_sum0 += select(s0[1] * chain.y * partial_scale_0(chain.x, row0, key1), 0.0, s0[1] == 0.0);
      }
      {
        let chain = chain_head_softcap(product0[1], row0, key1);
        row0_sum1 += select(s0[1] * chain.y * partial_head_softcap_0(chain.x, row0, key1), 0.0, s0[1] == 0.0);
      }
      {
        let chain = chain_alibi(product0[1], row0, key1);
        row0_sum2 += select(s0[1] * chain.y * partial_alibi_0(chain.x, row0, key1), 0.0, s0[1] == 0.0);
      }
      {
        let chain = chain_scale(product0[2], row0, key2);
        row0_sum0 += select(s0[2] * chain.y * partial_scale_0(chain.x, row0, key2), 0.0, s0[2] == 0.0);
      }
      {
        let chain = chain_head_softcap(product0[2], row0, key2);
        row0_sum1 += select(s0[2] * chain.y * partial_head_softcap_0(chain.x, row0, key2), 0.0, s0[2] == 0.0);
      }
      {
        let chain = chain_alibi(product0[2], row0, key2);
        row0_sum2 += select(s0[2] * chain.y * partial_alibi_0(chain.x, row0, key2), 0.0, s0[2] == 0.0);
      }
      {
        let chain = chain_scale(product0[3], row0, key3);
        row0_sum0 += select(s0[3] * chain.y * partial_scale_0(chain.x, row0, key3), 0.0, s0[3] == 0.0);
      }
      {
        let chain = chain_head_softcap(product0[3], row0, key3);
        row0_sum1 += select(s0[3] * chain.y * partial_head_softcap_0(chain.x, row0, key3), 0.0, s0[3] == 0.0);
      }
      {
        let chain = chain_alibi(product0[3], row0, key3);
        row0_sum2 += select(s0[3] * chain.y * partial_alibi_0(chain.x, row0, key3), 0.0, s0[3] == 0.0);
      }
    }
    s1[0] = pair_gradient(pair_weight(s1[0], state1.row_max, state1.norm), dp1[0], state1.delta, 1.0);
    s1[1] = pair_gradient(pair_weight(s1[1], state1.row_max, state1.norm), dp1[1], state1.delta, 1.0);
    s1[2] = pair_gradient(pair_weight(s1[2], state1.row_max, state1.norm), dp1[2], state1.delta, 1.0);
    s1[3] = pair_gradient(pair_weight(s1[3], state1.row_max, state1.norm), dp1[3], state1.delta, 1.0);
    if (work.first_row + first_row + 1u < work.rows) {
      {
        let chain = chain_scale(product1[0], row1, key0);
        row1_sum0 += select(s1[0] * chain.y * partial_scale_0(chain.x, row1, key0), 0.0, s1[0] == 0.0);
      }
      {
        let chain = chain_head_softcap(product1[0], row1, key0);
        row1_sum1 += select(s1[0] * chain.y * partial_head_softcap_0(chain.x, row1, key0), 0.0, s1[0] == 0.0);
      }
      {
        let chain = chain_alibi(product1[0], row1, key0);
        row1_sum2 += select(s1[0] * chain.y * partial_alibi_0(chain.x, row1, key0), 0.0, s1[0] == 0.0);
      }
      {
        let chain = chain_scale(product1[1], row1, key1);
        row1_sum0 += select(s1[1] * chain.y * partial_scale_0(chain.x, row1, key1), 0.0, s1[1] == 0.0);
      }
      {
        let chain = chain_head_softcap(product1[1], row1, key1);
        row1_sum1 += select(s1[1] * chain.y * partial_head_softcap_0(chain.x, row1, key1), 0.0, s1[1] == 0.0);
      }
      {
        let chain = chain_alibi(product1[1], row1, key1);
        row1_sum2 += select(s1[1] * chain.y * partial_alibi_0(chain.x, row1, key1), 0.0, s1[1] == 0.0);
      }
      {
        let chain = chain_scale(product1[2], row1, key2);
        row1_sum0 += select(s1[2] * chain.y * partial_scale_0(chain.x, row1, key2), 0.0, s1[2] == 0.0);
      }
      {
        let chain = chain_head_softcap(product1[2], row1, key2);
        row1_sum1 += select(s1[2] * chain.y * partial_head_softcap_0(chain.x, row1, key2), 0.0, s1[2] == 0.0);
      }
      {
        let chain = chain_alibi(product1[2], row1, key2);
        row1_sum2 += select(s1[2] * chain.y * partial_alibi_0(chain.x, row1, key2), 0.0, s1[2] == 0.0);
      }
      {
        let chain = chain_scale(product1[3], row1, key3);
        row1_sum0 += select(s1[3] * chain.y * partial_scale_0(chain.x, row1, key3), 0.0, s1[3] == 0.0);
      }
      {
        let chain = chain_head_softcap(product1[3], row1, key3);
        row1_sum1 += select(s1[3] * chain.y * partial_head_softcap_0(chain.x, row1, key3), 0.0, s1[3] == 0.0);
      }
      {
        let chain = chain_alibi(product1[3], row1, key3);
        row1_sum2 += select(s1[3] * chain.y * partial_alibi_0(chain.x, row1, key3), 0.0, s1[3] == 0.0);
      }
    }
    s2[0] = pair_gradient(pair_weight(s2[0], state2.row_max, state2.norm), dp2[0], state2.delta, 1.0);
    s2[1] = pair_gradient(pair_weight(s2[1], state2.row_max, state2.norm), dp2[1], state2.delta, 1.0);
    s2[2] = pair_gradient(pair_weight(s2[2], state2.row_max, state2.norm), dp2[2], state2.delta, 1.0);
    s2[3] = pair_gradient(pair_weight(s2[3], state2.row_max, state2.norm), dp2[3], state2.delta, 1.0);
    if (work.first_row + first_row + 2u < work.rows) {
      {
        let chain = chain_scale(product2[0], row2, key0);
        row2_sum0 += select(s2[0] * chain.y * partial_scale_0(chain.x, row2, key0), 0.0, s2[0] == 0.0);
      }
      {
        let chain = chain_head_softcap(product2[0], row2, key0);
        row2_sum1 += select(s2[0] * chain.y * partial_head_softcap_0(chain.x, row2, key0), 0.0, s2[0] == 0.0);
      }
      {
        let chain = chain_alibi(product2[0], row2, key0);
        row2_sum2 += select(s2[0] * chain.y * partial_alibi_0(chain.x, row2, key0), 0.0, s2[0] == 0.0);
      }
      {
        let chain = chain_scale(product2[1], row2, key1);
        row2_sum0 += select(s2[1] * chain.y * partial_scale_0(chain.x, row2, key1), 0.0, s2[1] == 0.0);
      }
      {
        let chain = chain_head_softcap(product2[1], row2, key1);
        row2_sum1 += select(s2[1] * chain.y * partial_head_softcap_0(chain.x, row2, key1), 0.0, s2[1] == 0.0);
      }
      {
        let chain = chain_alibi(product2[1], row2, key1);
        row2_sum2 += select(s2[1] * chain.y * partial_alibi_0(chain.x, row2, key1), 0.0, s2[1] == 0.0);
      }
      {
        let chain = chain_scale(product2[2], row2, key2);
        row2_sum0 += select(s2[2] * chain.y * partial_scale_0(chain.x, row2, key2), 0.0, s2[2] == 0.0);
      }
      {
        let chain = chain_head_softcap(product2[2], row2, key2);
        row2_sum1 += select(s2[2] * chain.y * partial_head_softcap_0(chain.x, row2, key2), 0.0, s2[2] == 0.0);
      }
      {
        let chain = chain_alibi(product2[2], row2, key2);
        row2_sum2 += select(s2[2] * chain.y * partial_alibi_0(chain.x, row2, key2), 0.0, s2[2] == 0.0);
      }
      {
        let chain = chain_scale(product2[3], row2, key3);
        row2_sum0 += select(s2[3] * chain.y * partial_scale_0(chain.x, row2, key3), 0.0, s2[3] == 0.0);
      }
      {
        let chain = chain_head_softcap(product2[3], row2, key3);
        row2_sum1 += select(s2[3] * chain.y * partial_head_softcap_0(chain.x, row2, key3), 0.0, s2[3] == 0.0);
      }
      {
        let chain = chain_alibi(product2[3], row2, key3);
        row2_sum2 += select(s2[3] * chain.y * partial_alibi_0(chain.x, row2, key3), 0.0, s2[3] == 0.0);
      }
    }
    s3[0] = pair_gradient(pair_weight(s3[0], state3.row_max, state3.norm), dp3[0], state3.delta, 1.0);
    s3[1] = pair_gradient(pair_weight(s3[1], state3.row_max, state3.norm), dp3[1], state3.delta, 1.0);
    s3[2] = pair_gradient(pair_weight(s3[2], state3.row_max, state3.norm), dp3[2], state3.delta, 1.0);
    s3[3] = pair_gradient(pair_weight(s3[3], state3.row_max, state3.norm), dp3[3], state3.delta, 1.0);
    if (work.first_row + first_row + 3u < work.rows) {
      {
        let chain = chain_scale(product3[0], row3, key0);
        row3_sum0 += select(s3[0] * chain.y * partial_scale_0(chain.x, row3, key0), 0.0, s3[0] == 0.0);
      }
      {
        let chain = chain_head_softcap(product3[0], row3, key0);
        row3_sum1 += select(s3[0] * chain.y * partial_head_softcap_0(chain.x, row3, key0), 0.0, s3[0] == 0.0);
      }
      {
        let chain = chain_alibi(product3[0], row3, key0);
        row3_sum2 += select(s3[0] * chain.y * partial_alibi_0(chain.x, row3, key0), 0.0, s3[0] == 0.0);
      }
      {
        let chain = chain_scale(product3[1], row3, key1);
        row3_sum0 += select(s3[1] * chain.y * partial_scale_0(chain.x, row3, key1), 0.0, s3[1] == 0.0);
      }
      {
        let chain = chain_head_softcap(product3[1], row3, key1);
        row3_sum1 += select(s3[1] * chain.y * partial_head_softcap_0(chain.x, row3, key1), 0.0, s3[1] == 0.0);
      }
      {
        let chain = chain_alibi(product3[1], row3, key1);
        row3_sum2 += select(s3[1] * chain.y * partial_alibi_0(chain.x, row3, key1), 0.0, s3[1] == 0.0);
      }
      {
        let chain = chain_scale(product3[2], row3, key2);
        row3_sum0 += select(s3[2] * chain.y * partial_scale_0(chain.x, row3, key2), 0.0, s3[2] == 0.0);
      }
      {
        let chain = chain_head_softcap(product3[2], row3, key2);
        row3_sum1 += select(s3[2] * chain.y * partial_head_softcap_0(chain.x, row3, key2), 0.0, s3[2] == 0.0);
      }
      {
        let chain = chain_alibi(product3[2], row3, key2);
        row3_sum2 += select(s3[2] * chain.y * partial_alibi_0(chain.x, row3, key2), 0.0, s3[2] == 0.0);
      }
      {
        let chain = chain_scale(product3[3], row3, key3);
        row3_sum0 += select(s3[3] * chain.y * partial_scale_0(chain.x, row3, key3), 0.0, s3[3] == 0.0);
      }
      {
        let chain = chain_head_softcap(product3[3], row3, key3);
        row3_sum1 += select(s3[3] * chain.y * partial_head_softcap_0(chain.x, row3, key3), 0.0, s3[3] == 0.0);
      }
      {
        let chain = chain_alibi(product3[3], row3, key3);
        row3_sum2 += select(s3[3] * chain.y * partial_alibi_0(chain.x, row3, key3), 0.0, s3[3] == 0.0);
      }
    }
  }

  contribute(params.read0_first, params.read0_count, element_scale_0(0.0, row0, 0), row0_sum0);
  contribute(params.read1_first, params.read1_count, element_head_softcap_0(0.0, row0, 0), row0_sum1);
  contribute(params.read2_first, params.read2_count, element_alibi_0(0.0, row0, 0), row0_sum2);
  contribute(params.read0_first, params.read0_count, element_scale_0(0.0, row1, 0), row1_sum0);
  contribute(params.read1_first, params.read1_count, element_head_softcap_0(0.0, row1, 0), row1_sum1);
  contribute(params.read2_first, params.read2_count, element_alibi_0(0.0, row1, 0), row1_sum2);
  contribute(params.read0_first, params.read0_count, element_scale_0(0.0, row2, 0), row2_sum0);
  contribute(params.read1_first, params.read1_count, element_head_softcap_0(0.0, row2, 0), row2_sum1);
  contribute(params.read2_first, params.read2_count, element_alibi_0(0.0, row2, 0), row2_sum2);
  contribute(params.read0_first, params.read0_count, element_scale_0(0.0, row3, 0), row3_sum0);
  contribute(params.read1_first, params.read1_count, element_head_softcap_0(0.0, row3, 0), row3_sum1);
  contribute(params.read2_first, params.read2_count, element_alibi_0(0.0, row3, 0), row3_sum2);
}
