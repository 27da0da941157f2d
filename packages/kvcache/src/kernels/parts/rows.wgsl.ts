import { wgsl } from '@heed/core/kernel';

/** WGSL of how a [tokens, heads, dim] tensor lies; the values of BoundRows are its words. */
export const rowsStruct: string = wgsl`
  // A [tokens, heads, dim] tensor: where it starts and its strides, in elements.
  struct Rows {
    start: u32,
    token: u32,
    head: u32,
    element: u32,
    dim: u32,
    is_half: u32,
    // That a row takes where it is written.
    words: u32,
    unused: u32,
  }
`;
