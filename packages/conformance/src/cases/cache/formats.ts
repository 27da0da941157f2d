import type { StoredFormat } from '../../reference/stored-rows.ts';

/** What pages hold: each is a kernel of its own for appending, and one more where keys are turned. */
export const formats: readonly StoredFormat[] = ['f32', 'f16', 'int8', 'int4'];
