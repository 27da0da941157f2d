import type { Tensor } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { packedKeys } from '../../src/api/varlen-call.ts';
import type { VarlenOptions } from '../../src/host/attention-options.ts';
import type { Target } from '../../src/host/launch-target.ts';
import { bindLengths, packWords } from '../../src/host/packed-words.ts';
import { NONE } from '../../src/text/parts/params.ts';

/** A target that has no GPU behind it, and what was uploaded through it. */
function uploads(): { target: Target; uploaded: Int32Array[] } {
  const uploaded: Int32Array[] = [];
  const storage = (data: ArrayBufferView): never => {
    uploaded.push(data as Int32Array);
    return { size: data.byteLength } as never;
  };
  return { target: { storage } as unknown as Target, uploaded };
}

describe('packWords', () => {
  it('uploads the lists of the host as one, behind one another', () => {
    const { target, uploaded } = uploads();
    const lists = [Int32Array.of(0, 5, 9), Int32Array.of(), Int32Array.of(-1, 7)];
    const { places } = packWords(target, 'lengths', lists);
    expect(uploaded).toEqual([Int32Array.of(0, 5, 9, -1, 7)]);
    expect(places.map(({ offset }) => offset)).toEqual([0, 3, 3]);
  });

  it('binds a word even where there is none', () => {
    const { target, uploaded } = uploads();
    packWords(target, 'lengths', [Int32Array.of()]);
    expect(uploaded[0]).toHaveLength(1);
  });

  it('keeps its own copy of the numbers', () => {
    const { target, uploaded } = uploads();
    const list = Int32Array.of(1, 2);
    packWords(target, 'lengths', [list]);
    list.fill(9);
    expect(uploaded[0]).toEqual(Int32Array.of(1, 2));
  });
});

describe('bindLengths', () => {
  it('uploads a list that is given twice once, and marks those not given', () => {
    const { target, uploaded } = uploads();
    const cu = Int32Array.of(0, 5, 9);
    const given = { cuQ: cu, cuK: cu, used: Int32Array.of(3, 4) };
    const { values } = bindLengths(target, { given });
    expect(uploaded).toEqual([Int32Array.of(0, 5, 9, 3, 4)]);
    expect(values).toEqual({ cu_q: 0, cu_k: 0, used_k: 3, table: NONE, derived: NONE });
  });
});

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
