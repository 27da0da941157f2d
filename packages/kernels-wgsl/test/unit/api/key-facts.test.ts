import type { Tensor } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { packedKeys } from '../../../src/api/varlen-call.ts';
import type { VarlenOptions } from '../../../src/host/attention-options.ts';

/** The longest sequence that packed keys of 1000 rows are taken to have. */
function longestOf(cuSeqlensK: number[], options: Partial<VarlenOptions> = {}): number {
  const k = { shape: [1000, 2, 64] } as unknown as Tensor;
  const lists = {
    cuSeqlensQ: Int32Array.of(...cuSeqlensK.keys()),
    cuSeqlensK: Int32Array.from(cuSeqlensK),
  };
  return packedKeys('f', k, cuSeqlensK.length - 1, { ...lists, ...options }).maxSeqlenK;
}

describe('the most keys of a packed sequence', () => {
  it('are those of the longest one, not of all', () => {
    expect(longestOf([0, 1000])).toBe(1000);
    expect(longestOf([0, 10, 400, 900])).toBe(500);
    expect(longestOf([0])).toBe(0);
  });

  it('are no more than are used', () => {
    expect(longestOf([0, 10, 400, 900], { seqUsedK: Int32Array.of(7, 300, 20) })).toBe(300);
  });

  it('are no more than the hint, which may be wrong', () => {
    expect(longestOf([0, 10, 400, 900], { maxSeqlenK: 100 })).toBe(100);
    expect(longestOf([0, 10, 400, 900], { maxSeqlenK: 1e9 })).toBe(500);
  });
});
