const NEGATIVE_INFINITY_BITS = 0xff800000u;

@group(0) @binding(0) var<storage, read> out: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dout: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> lse: array<u32>;
@group(0) @binding(3) var<storage, read> dlse: array<f32>;
@group(0) @binding(4) var<storage, read_write> side: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

fn read_out(row: u32, d: u32) -> vec4<f32> {
  return out[(row + d) / 4u];
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (index >= params.rows) {
    return;
  }
  let row = index % params.length;
  let head = index / params.length % params.heads;
  let outer = index / (params.length * params.heads);
  let out_row = params.out_offset + outer * params.out_outer + head * params.out_head + row * params.out_row;
  let dout_row = params.dout_offset + outer * params.dout_outer + head * params.dout_head + row * params.dout_row;
  var delta = 0.0;
  for (var d = 0u; d < 64u; d += 4u) {
    delta += dot(read_out(out_row, d), read_dout(dout_row, d));
  }
  if (params.has_dlse != 0u) {
    delta -= dlse[params.dlse_offset + outer * params.dlse_outer + head * params.dlse_head + row * params.dlse_row];
  }
  let lse_at = params.lse_offset + outer * params.lse_outer + head * params.lse_head + row * params.lse_row;
  let is_empty = lse[lse_at] == NEGATIVE_INFINITY_BITS;
  let row_sum = bitcast<f32>(lse[lse_at + 2u * params.state_plane]);
  let first = params.first + index;
  side[first] = lse[lse_at + params.state_plane];
  side[first + params.rows] = select(bitcast<u32>(1.0 / row_sum), 0u, is_empty);
  side[first + 2u * params.rows] = bitcast<u32>(delta);
}
