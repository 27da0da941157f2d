import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';
import { denseCall } from '../../src/api/dense-call.ts';
import { invertLists, type SelectedCall } from '../../src/host/inverted-lists.ts';
import { recorderTarget } from '../../src/host/launch-target.ts';
import { bindLengths } from '../../src/host/packed-words.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const [batch, heads, kvHeads, rows, keys, entries] = [2, 4, 2, 5, 9, 6];

/** Lists with numbers that name no key, and keys that are named twice. */
function listed(listHeads: number): { readonly call: SelectedCall; readonly list: Int32Array } {
  const count = batch * listHeads * rows * entries;
  const list = Int32Array.from(new Rng(listHeads).normals(count), (x) => Math.round(4 * x));
  const selectedKeys = gpu.tensor(list, { shape: [batch, listHeads, rows, entries] });
  const k = gpu.empty([batch, kvHeads, keys, 4]);
  const q = gpu.empty([batch, heads, rows, 4]);
  const call = denseCall('test', q, k, k, { selectedKeys });
  return { call: call as SelectedCall, list };
}

it.for([1, 2, 4])('inverts lists of %i heads, in ascending order', async (listHeads) => {
  const { call, list } = listed(listHeads);
  const { words, sizes } = gpu.batch(() => {
    const target = recorderTarget(gpu);
    return invertLists(target, call, bindLengths(target, call));
  });
  // Lists of one kv head follow each other by (sequence, position, head).
  const groups = listHeads === 1 ? 1 : kvHeads;
  const perGroup = listHeads / groups;
  const slots: number[][][] = Array.from({ length: groups * batch * keys }, () => []);
  let number = 0;
  for (let group = 0; group < groups; group++) {
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < rows; i++) {
        for (let h = 0; h < perGroup; h++, number++) {
          const at = ((b * listHeads + group * perGroup + h) * rows + i) * entries;
          for (const key of list.subarray(at, at + entries)) {
            if (key >= 0 && key < keys)
              slots[(group * batch + b) * keys + key]!.push([number, key]);
          }
        }
      }
    }
  }
  const got = await words.read();
  const firsts = slots.map((_, slot) => slots.slice(0, slot).flat().length);
  const pairs = slots.flat(2);
  expect([...got.subarray(0, sizes.slotEnd)]).toEqual(firsts);
  expect(got[sizes.slotEnd]).toBe(pairs.length / 2);
  expect([...got.subarray(sizes.slotEnd + 1, sizes.slotEnd + 1 + pairs.length)]).toEqual(pairs);
});

it('says how many rows fit, if not all do', () => {
  const { call } = listed(1);
  const small = { ...recorderTarget(gpu), maxBytes: 400 };
  // 19 words of slots and 8 bytes for each of 2 · 6 entries per row.
  expect(() => invertLists(small, call, bindLengths(small, call))).toThrow(
    'Call it for at most 3 query rows at a time, and add the gradients.',
  );
});
