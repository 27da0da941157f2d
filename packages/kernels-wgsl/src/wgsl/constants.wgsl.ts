import { wgsl } from '@heed/core/kernel';

/** Tile classes, ordered so that a conjunction is `min`. */
export const tileClasses: string = wgsl`
  const EMPTY = 0u;
  const PARTIAL = 1u;
  const FULL = 2u;
`;

/** WGSL's name for an offset that says: this table was not given. */
export const none: string = 'const NONE = 0xffffffffu;';
