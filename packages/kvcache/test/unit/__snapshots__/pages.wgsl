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

struct Params {
  moves: u32,
  page_size: u32,
  // Words of a slot, and from a page to the next.
  k_words: u32,
  k_page: u32,
  v_words: u32,
  v_page: u32,
}

const COLUMNS = 16u;
const ROWS = 4u;
const HELD = 4u;

@group(0) @binding(0) var<storage, read> moves: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> k_pool: array<u32>;
@group(0) @binding(2) var<storage, read_write> v_pool: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

fn k_start(slot: u32) -> u32 {
  return slot / params.page_size * params.k_page + slot % params.page_size * params.k_words;
}

fn move_k(thread: u32) {
  let column = thread / 64u * COLUMNS + thread % COLUMNS;
  let is_inside = column < params.k_words;
  let row = thread % 64u / COLUMNS;
  for (var first = 0u; first < params.moves; first += HELD * ROWS) {
    var held = array<u32, HELD>();
    for (var i = 0u; i < HELD; i++) {
      let at = first + i * ROWS + row;
      if (is_inside & (at < params.moves)) {
        held[i] = k_pool[k_start(moves[at].x) + column];
      }
    }
    storageBarrier();
    for (var i = 0u; i < HELD; i++) {
      let at = first + i * ROWS + row;
      if (is_inside & (at < params.moves)) {
        k_pool[k_start(moves[at].y) + column] = held[i];
      }
    }
  }
}

fn v_start(slot: u32) -> u32 {
  return slot / params.page_size * params.v_page + slot % params.page_size * params.v_words;
}

fn move_v(thread: u32) {
  let column = thread / 64u * COLUMNS + thread % COLUMNS;
  let is_inside = column < params.v_words;
  let row = thread % 64u / COLUMNS;
  for (var first = 0u; first < params.moves; first += HELD * ROWS) {
    var held = array<u32, HELD>();
    for (var i = 0u; i < HELD; i++) {
      let at = first + i * ROWS + row;
      if (is_inside & (at < params.moves)) {
        held[i] = v_pool[v_start(moves[at].x) + column];
      }
    }
    storageBarrier();
    for (var i = 0u; i < HELD; i++) {
      let at = first + i * ROWS + row;
      if (is_inside & (at < params.moves)) {
        v_pool[v_start(moves[at].y) + column] = held[i];
      }
    }
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
    move_k(thread);
  } else {
    move_v(thread);
  }
}
