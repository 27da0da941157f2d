struct Params {
  pairs: u32,
  // Words of a page.
  k_words: u32,
  v_words: u32,
}

@group(0) @binding(0) var<storage, read> pages: array<u32>;
@group(0) @binding(1) var<storage, read_write> k_pool: array<u32>;
@group(0) @binding(2) var<storage, read_write> v_pool: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

fn copy_k(thread: u32) {
  let word = thread % params.k_words;
  let pair = thread / params.k_words;
  if (pair < params.pairs) {
    k_pool[pages[2u * pair + 1u] * params.k_words + word] = k_pool[pages[2u * pair] * params.k_words + word];
  }
}

fn copy_v(thread: u32) {
  let word = thread % params.v_words;
  let pair = thread / params.v_words;
  if (pair < params.pairs) {
    v_pool[pages[2u * pair + 1u] * params.v_words + word] = v_pool[pages[2u * pair] * params.v_words + word];
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (workgroup.z == 0u) {
    copy_k(thread);
  } else {
    copy_v(thread);
  }
}

struct Params {
  pages: u32,
  // Words of a page.
  k_words: u32,
  v_words: u32,
  word: u32,
}

@group(0) @binding(0) var<storage, read> pages: array<u32>;
@group(0) @binding(1) var<storage, read_write> k_pool: array<u32>;
@group(0) @binding(2) var<storage, read_write> v_pool: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

fn fill_k(thread: u32) {
  let page = thread / params.k_words;
  if (page < params.pages) {
    k_pool[pages[page] * params.k_words + thread % params.k_words] = params.word;
  }
}

fn fill_v(thread: u32) {
  let page = thread / params.v_words;
  if (page < params.pages) {
    v_pool[pages[page] * params.v_words + thread % params.v_words] = params.word;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
  if (workgroup.z == 0u) {
    fill_k(thread);
  } else {
    fill_v(thread);
  }
}
