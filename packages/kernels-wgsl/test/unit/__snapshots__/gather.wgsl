struct Params {
  rows: u32,
  columns: u32,
  source: u32,
  row_stride: u32,
  column_stride: u32,
  first: u32,
}

@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> gathered: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (index >= params.rows * params.columns) {
    return;
  }
  let word = index / params.columns * params.row_stride + index % params.columns * params.column_stride;
  gathered[params.first + index] = words[params.source + word];
}
