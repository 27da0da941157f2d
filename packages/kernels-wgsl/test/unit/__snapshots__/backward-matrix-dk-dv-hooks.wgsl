// dkv q=f16 kv=f16 result=f16 | d=40 dv=36 | dense strided | read=vec4 write=vec4 | hooks=softcap+band | path=matrix M=8 N=8 K=16 components=f16 subgroupSize=32 isPinned=true subgroups=4 rowBlocks=1 sharing=2 keepsRows=true unroll=true

fn write_dk(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = vec2<u32>(pack_f16(x.x, x.y), pack_f16(x.z, x.w));
}

fn write_dv(row: u32, d: u32, x: vec4<f32>) {
  out[(row + d) / 4u] = vec2<u32>(pack_f16(x.x, x.y), pack_f16(x.z, x.w));
}

// From a dot product (of q already scaled) to a base-2 score.
fn mod_score(dot_product: f32, row: Row, key: i32) -> f32 {
  var score = dot_product;
  score = score_softcap(score, row, key);
  return select(MASKED, min(score, HIGHEST) * LOG2_E, score > SEEN);
}

fn score_derivative_softcap(score: f32, row: Row, key: i32) -> f32 {
  let t = tanh_f32(score / params.softcap);
  return 1.0 - t * t;
}

// d(mod_score in natural units) / d(dot product), by the chain rule.
fn mod_score_derivative(dot_product: f32, row: Row, key: i32) -> f32 {
  var score = dot_product;
  var score_derivative = 1.0;
  score_derivative *= score_derivative_softcap(score, row, key);
  score = score_softcap(score, row, key);
  return score_derivative;
}

// Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
// different banks.
const STAGED = 14u;
const SCORED = 10u;
var<workgroup> q_tile: array<vec4<f16>, 446>; // 3568 bytes
var<workgroup> dout_tile: array<vec4<f16>, 446>; // 3568 bytes
var<workgroup> scores: array<vec4<f32>, 158>; // 2528 bytes
var<workgroup> slopes: array<vec4<f32>, 158>; // 2528 bytes
var<workgroup> weights: array<vec4<f16>, 158>; // 1264 bytes
var<workgroup> gradients: array<vec4<f16>, 158>; // 1264 bytes

fn staged_q(work: Work, i: u32) -> vec4<f16> {
  let row = make_row(work, work.first_row + i / 12u);
  let d = min(i % 12u * 4u, 36u);
  return vec4<f16>(read_q(q_row_offset(row), d));
}

fn staged_dout(work: Work, i: u32) -> vec4<f16> {
  let row = make_row(work, work.first_row + i / 12u);
  let d = min(i % 12u * 4u, 32u);
  return vec4<f16>(read_dout(dout_row_offset(row), d));
}

@compute @workgroup_size(128) @subgroup_size(32)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
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
  let thread = subgroup * 32u + lane;
  let column = lane % 8u;
  let part = subgroup % 2u;
  let own_rows = subgroup / 2u * 8u;
  let first_row = own_rows + (part * 4u + lane / 8u);

  let key0 = i32(first_key + first_row);
  var own_k = array<subgroup_matrix_left<f16, 16, 8>, 3>();
  {
    workgroupBarrier();
    gradients[first_row * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_k(k_row_offset(seq, head, min(u32(key0), seq.k_len - 1u)), min(column * 4u, 36u))), column * 4u < 40u);
    workgroupBarrier();
    {
      own_k[0u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED, SCORED);
    }
    {
      own_k[1u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED + 4u, SCORED);
    }
  }
  {
    workgroupBarrier();
    gradients[first_row * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_k(k_row_offset(seq, head, min(u32(key0), seq.k_len - 1u)), min(column * 4u + 32u, 36u))), column * 4u + 32u < 40u);
    workgroupBarrier();
    {
      own_k[2u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED, SCORED);
    }
  }
  var own_v = array<subgroup_matrix_left<f16, 16, 8>, 3>();
  {
    workgroupBarrier();
    gradients[first_row * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_v(v_row_offset(seq, head, min(u32(key0), seq.k_len - 1u)), min(column * 4u, 32u))), column * 4u < 36u);
    workgroupBarrier();
    {
      own_v[0u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED, SCORED);
    }
    {
      own_v[1u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED + 4u, SCORED);
    }
  }
  {
    workgroupBarrier();
    gradients[first_row * SCORED + column] = select(vec4<f16>(), vec4<f16>(read_v(v_row_offset(seq, head, min(u32(key0), seq.k_len - 1u)), min(column * 4u + 32u, 32u))), column * 4u + 32u < 36u);
    workgroupBarrier();
    {
      own_v[2u] = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED, SCORED);
    }
  }
  var dk = array<subgroup_matrix_result<f32, 8, 8>, 2.5>();
  var dv = array<subgroup_matrix_result<f32, 8, 8>, 2.5>();
  var exponent = 127u;
  var limit = 0u;

  for (var group_head = 0u; group_head < params.group; group_head++) {
    for (var first_query = 0u; first_query < seq.q_len; first_query += TILE_M) {
      let work = Work(seq, head * params.group + group_head, 0u, first_query, seq.q_len);
      let tile_class = class_of_tile(first_key / TILE_N, tile_span(work));
      if (tile_class == EMPTY) {
        continue;
      }
      let q0 = staged_q(work, thread);
      let q1 = staged_q(work, thread + 128u);
      let q2 = staged_q(work, thread + 256u);
      let dout0 = staged_dout(work, thread);
      let dout1 = staged_dout(work, thread + 128u);
      let dout2 = staged_dout(work, thread + 256u);
      let index0 = work.first_row + column * 4u;
      let row0 = make_row(work, index0);
      var state0 = row_state(row0);
      if (index0 >= work.rows) {
        state0 = NO_ROW;
      }
      let index1 = work.first_row + column * 4u + 1u;
      let row1 = make_row(work, index1);
      var state1 = row_state(row1);
      if (index1 >= work.rows) {
        state1 = NO_ROW;
      }
      let index2 = work.first_row + column * 4u + 2u;
      let row2 = make_row(work, index2);
      var state2 = row_state(row2);
      if (index2 >= work.rows) {
        state2 = NO_ROW;
      }
      let index3 = work.first_row + column * 4u + 3u;
      let row3 = make_row(work, index3);
      var state3 = row_state(row3);
      if (index3 >= work.rows) {
        state3 = NO_ROW;
      }
      workgroupBarrier();
      q_tile[thread / 12u * STAGED + thread % 12u] = q0;
      q_tile[(thread + 128u) / 12u * STAGED + (thread + 128u) % 12u] = q1;
      q_tile[(thread + 256u) / 12u * STAGED + (thread + 256u) % 12u] = q2;
      dout_tile[thread / 12u * STAGED + thread % 12u] = dout0;
      dout_tile[(thread + 128u) / 12u * STAGED + (thread + 128u) % 12u] = dout1;
      dout_tile[(thread + 256u) / 12u * STAGED + (thread + 256u) % 12u] = dout2;
      workgroupBarrier();
      var sums = array<subgroup_matrix_result<f32, 8, 8>, 2>();
      {
        let own_k0 = own_k[0u];
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&q_tile, part * 16u * STAGED, STAGED);
          sums[0u] = subgroupMatrixMultiplyAccumulate(own_k0, tile_q, sums[0u]);
        }
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&q_tile, (part * 16u + 8u) * STAGED, STAGED);
          sums[1u] = subgroupMatrixMultiplyAccumulate(own_k0, tile_q, sums[1u]);
        }
      }
      {
        let own_k0 = own_k[1u];
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&q_tile, part * 16u * STAGED + 4u, STAGED);
          sums[0u] = subgroupMatrixMultiplyAccumulate(own_k0, tile_q, sums[0u]);
        }
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&q_tile, (part * 16u + 8u) * STAGED + 4u, STAGED);
          sums[1u] = subgroupMatrixMultiplyAccumulate(own_k0, tile_q, sums[1u]);
        }
      }
      {
        let own_k0 = own_k[2u];
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&q_tile, part * 16u * STAGED + 8u, STAGED);
          sums[0u] = subgroupMatrixMultiplyAccumulate(own_k0, tile_q, sums[0u]);
        }
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&q_tile, (part * 16u + 8u) * STAGED + 8u, STAGED);
          sums[1u] = subgroupMatrixMultiplyAccumulate(own_k0, tile_q, sums[1u]);
        }
      }
      var slope_sums = array<subgroup_matrix_result<f32, 8, 8>, 2>();
      {
        let own_v0 = own_v[0u];
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&dout_tile, part * 16u * STAGED, STAGED);
          slope_sums[0u] = subgroupMatrixMultiplyAccumulate(own_v0, tile_dout, slope_sums[0u]);
        }
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&dout_tile, (part * 16u + 8u) * STAGED, STAGED);
          slope_sums[1u] = subgroupMatrixMultiplyAccumulate(own_v0, tile_dout, slope_sums[1u]);
        }
      }
      {
        let own_v0 = own_v[1u];
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&dout_tile, part * 16u * STAGED + 4u, STAGED);
          slope_sums[0u] = subgroupMatrixMultiplyAccumulate(own_v0, tile_dout, slope_sums[0u]);
        }
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&dout_tile, (part * 16u + 8u) * STAGED + 4u, STAGED);
          slope_sums[1u] = subgroupMatrixMultiplyAccumulate(own_v0, tile_dout, slope_sums[1u]);
        }
      }
      {
        let own_v0 = own_v[2u];
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&dout_tile, part * 16u * STAGED + 8u, STAGED);
          slope_sums[0u] = subgroupMatrixMultiplyAccumulate(own_v0, tile_dout, slope_sums[0u]);
        }
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, col_major>(&dout_tile, (part * 16u + 8u) * STAGED + 8u, STAGED);
          slope_sums[1u] = subgroupMatrixMultiplyAccumulate(own_v0, tile_dout, slope_sums[1u]);
        }
      }
      {
        subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + part * 4u, sums[0u], SCORED);
      }
      {
        subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + part * 4u + 2u, sums[1u], SCORED);
      }
      {
        subgroupMatrixStore<row_major>(&slopes, own_rows * SCORED + part * 4u, slope_sums[0u], SCORED);
      }
      {
        subgroupMatrixStore<row_major>(&slopes, own_rows * SCORED + part * 4u + 2u, slope_sums[1u], SCORED);
      }
      workgroupBarrier();
      var s0 = scores[first_row * SCORED + column] * q_scale();
      var dp0 = slopes[first_row * SCORED + column];

      var score_derivative0 = vec4<f32>(1.0);
      score_derivative0[0] = mod_score_derivative(s0[0], row0, key0);
      s0[0] = mod_score(s0[0], row0, key0);
      score_derivative0[1] = mod_score_derivative(s0[1], row1, key0);
      s0[1] = mod_score(s0[1], row1, key0);
      score_derivative0[2] = mod_score_derivative(s0[2], row2, key0);
      s0[2] = mod_score(s0[2], row2, key0);
      score_derivative0[3] = mod_score_derivative(s0[3], row3, key0);
      s0[3] = mod_score(s0[3], row3, key0);
      if (tile_class == PARTIAL) {
        s0[0] = masked_score(s0[0], row0, key0);
        s0[1] = masked_score(s0[1], row1, key0);
        s0[2] = masked_score(s0[2], row2, key0);
        s0[3] = masked_score(s0[3], row3, key0);
      }
      s0[0] = pair_weight(s0[0], state0.row_max, state0.norm);
      s0[1] = pair_weight(s0[1], state1.row_max, state1.norm);
      s0[2] = pair_weight(s0[2], state2.row_max, state2.norm);
      s0[3] = pair_weight(s0[3], state3.row_max, state3.norm);
      weights[first_row * SCORED + column] = vec4<f16>(saturate(s0) * WEIGHT_SCALE);
      s0[0] = pair_gradient(s0[0], dp0[0], state0.delta, score_derivative0[0]);
      s0[1] = pair_gradient(s0[1], dp0[1], state1.delta, score_derivative0[1]);
      s0[2] = pair_gradient(s0[2], dp0[2], state2.delta, score_derivative0[2]);
      s0[3] = pair_gradient(s0[3], dp0[3], state3.delta, score_derivative0[3]);
      let most = bitcast<u32>(magnitude(s0));
      if ((most > limit) & (most < INFINITY_BITS)) {
        atomicMax(&largest, most);
      }
      gradients[first_row * SCORED + column] = vec4<f16>(s0 * power_of_two(exponent));
      let seen = workgroupUniformLoad(&largest);
      if (seen > limit) {
        let factor = change_of_power(exponent, held_exponent(seen));
        {
          dk[0u] = subgroupMatrixScalarMultiply(dk[0u], factor);
        }
        {
          dk[1u] = subgroupMatrixScalarMultiply(dk[1u], factor);
        }
        exponent = held_exponent(seen);
        limit = held_limit(seen);
        gradients[first_row * SCORED + column] = vec4<f16>(s0 * power_of_two(exponent));
        workgroupBarrier();
      }
      {
        let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, own_rows * SCORED, SCORED);
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&dout_tile, part * 5u, STAGED);
          dv[0u] = subgroupMatrixMultiplyAccumulate(weights0, tile_dout, dv[0u]);
        }
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&dout_tile, part * 5u + 2u, STAGED);
          dv[1u] = subgroupMatrixMultiplyAccumulate(weights0, tile_dout, dv[1u]);
        }
      }
      {
        let weights0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&weights, own_rows * SCORED + 4u, SCORED);
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&dout_tile, 16u * STAGED + part * 5u, STAGED);
          dv[0u] = subgroupMatrixMultiplyAccumulate(weights0, tile_dout, dv[0u]);
        }
        {
          let tile_dout = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&dout_tile, 16u * STAGED + part * 5u + 2u, STAGED);
          dv[1u] = subgroupMatrixMultiplyAccumulate(weights0, tile_dout, dv[1u]);
        }
      }
      {
        let gradients0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED, SCORED);
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&q_tile, part * 5u, STAGED);
          dk[0u] = subgroupMatrixMultiplyAccumulate(gradients0, tile_q, dk[0u]);
        }
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&q_tile, part * 5u + 2u, STAGED);
          dk[1u] = subgroupMatrixMultiplyAccumulate(gradients0, tile_q, dk[1u]);
        }
      }
      {
        let gradients0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&gradients, own_rows * SCORED + 4u, SCORED);
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&q_tile, 16u * STAGED + part * 5u, STAGED);
          dk[0u] = subgroupMatrixMultiplyAccumulate(gradients0, tile_q, dk[0u]);
        }
        {
          let tile_q = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 16>, row_major>(&q_tile, 16u * STAGED + part * 5u + 2u, STAGED);
          dk[1u] = subgroupMatrixMultiplyAccumulate(gradients0, tile_q, dk[1u]);
        }
      }
    }
  }

  workgroupBarrier();
  {
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + part * 4u, dk[0u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + part * 4u + 2u, dk[1u], SCORED);
    }
    workgroupBarrier();
    if (u32(key0) < seq.k_len && column / 4u * 20u + column % 4u * 4u < 40u) {
      write_dk(dk_row_offset(seq, head, u32(key0)), column / 4u * 20u + column % 4u * 4u, scores[first_row * SCORED + column] * (params.scale * power_of_two(254u - exponent)));
    }
    workgroupBarrier();
  }
  {
    workgroupBarrier();
    if (column % 4u * 4u + 16u < 20u) {
      if (u32(key0) < seq.k_len && column / 4u * 20u + column % 4u * 4u + 16u < 40u) {
        write_dk(dk_row_offset(seq, head, u32(key0)), column / 4u * 20u + column % 4u * 4u + 16u, scores[first_row * SCORED + column] * (params.scale * power_of_two(254u - exponent)));
      }
    }
    workgroupBarrier();
  }
  workgroupBarrier();
  {
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + part * 4u, dv[0u], SCORED);
    }
    {
      subgroupMatrixStore<row_major>(&scores, own_rows * SCORED + part * 4u + 2u, dv[1u], SCORED);
    }
    workgroupBarrier();
    if (u32(key0) < seq.k_len && column / 4u * 20u + column % 4u * 4u < 36u) {
      write_dv(dv_row_offset(seq, head, u32(key0)), column / 4u * 20u + column % 4u * 4u, scores[first_row * SCORED + column] * (1.0 / WEIGHT_SCALE));
    }
    workgroupBarrier();
  }
  {
    workgroupBarrier();
    if (column % 4u * 4u + 16u < 20u) {
      if (u32(key0) < seq.k_len && column / 4u * 20u + column % 4u * 4u + 16u < 36u) {
        write_dv(dv_row_offset(seq, head, u32(key0)), column / 4u * 20u + column % 4u * 4u + 16u, scores[first_row * SCORED + column] * (1.0 / WEIGHT_SCALE));
      }
    }
    workgroupBarrier();
  }
}
