@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> gathered: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

// Where element `index` in row-major order lies, in elements.
fn element(index: u32) -> u32 {
  var rest = index;
  var at = params.source;
  for (var axis = 3; axis >= 0; axis--) {
    at += rest % params.shape[axis] * params.strides[axis];
    rest /= params.shape[axis];
  }
  return at;
}

fn half(index: u32) -> u32 {
  let at = element(min(index, params.count - 1u));
  return (source[at / 2u] >> (at % 2u * 16u)) & 0xffffu;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (word >= params.words) {
    return;
  }
  if (params.is_half != 0u) {
    gathered[params.first + word] = half(2u * word) | (half(2u * word + 1u) << 16u);
  } else {
    gathered[params.first + word] = source[element(word)];
  }
}
