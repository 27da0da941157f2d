import { expect, it } from 'vitest';
import { lru } from '../../../src/pages/eviction.ts';
import { type PageGeometry, pageBytes } from '../../../src/pages/page-geometry.ts';
import { blockBytes, type CacheLayout, layOut } from '../../../src/pages/page-layout.ts';
import { Ledger } from '../../../src/sequences/ledger.ts';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';

const pageSize = 16;

/** Layers of Gemma 3 4B: five with a window of 1,024 to one without. */
const all = Array.from({ length: 34 }, (_, layer) => layer);
const isFull = (layer: number): boolean => layer % 6 === 5;
const window = 1023;

const shape = (layers: number): PageGeometry => {
  return { layers, kvHeads: 4, headDim: 256, headDimV: 256, pageSize, format: 'f16' };
};

const gemma = layOut(
  [false, true].map((full) => {
    const layers = all.filter((layer) => isFull(layer) === full);
    return { layers, geometry: shape(layers.length), ...(!full && { window }) };
  }),
);

/** Bytes for a cache without groups, in which every layer keeps 32,768 tokens of one sequence. */
const budget = 32_768 * (pageBytes(shape(34)) / pageSize);

function ledgerOf(layout: CacheLayout): Ledger {
  const groups = layout.groups.map(({ geometry, perBlock, window: rule }) => {
    return { layers: geometry.layers, perBlock, bytes: pageBytes(geometry), window: rule };
  });
  const blocks = Math.floor(budget / blockBytes(layout)) - 1;
  return new Ledger(
    { groups, pageSize, blocks, eviction: lru },
    { stored: () => {}, removed: () => {} },
  );
}

/** Appends tokens to all layers, 256 at a time, as far as they fit; returns how many did. */
function fill(ledger: Ledger, state: SequenceState, most: number): number {
  let count = 0;
  for (; count < most && ledger.canAppend([state], [256]); count += 256) {
    for (const layer of all) ledger.append('fill', layer, [state], Int32Array.of(256));
  }
  return count;
}

it('deals 29 windowed layers beside 5 full ones into six runs and one, the last of the six part filled', () => {
  expect(gemma.groups.map(({ layers }) => layers.length)).toEqual([29, 5]);
  expect(gemma.slots).toBe(5);
  expect(gemma.places.map(({ run }) => run)).toEqual([
    ...[0, 1, 2, 3, 4].flatMap((run) => Array<number>(5).fill(run)),
    ...Array<number>(4).fill(5),
    ...Array<number>(5).fill(0), // the run of the full ones
  ]);
});

it('with the shapes of Gemma 3 4B, the memory of 32k tokens holds at least five times as many', () => {
  const ledger = ledgerOf(gemma);
  const state = ledger.openSequence([], '', 0);
  expect(fill(ledger, state, Infinity)).toBeGreaterThanOrEqual(5 * 32_768);
});

it('the same cache serves one long sequence, then 64 short ones', () => {
  const ledger = ledgerOf(gemma);
  const { blocks } = ledger.pages;
  const long = ledger.openSequence([], '', 0);
  const tokens = fill(ledger, long, Infinity);
  ledger.commit('commit', long, new Uint32Array(tokens));
  const full = ledger.groups[1]!.firstRun;
  expect(blocks.blocksOf(full) / blocks.blocks).toBeGreaterThanOrEqual(0.9);
  ledger.close(long);
  const short = Array.from({ length: 64 }, () => ledger.openSequence([], '', 0));
  // The long sequence is still cached, and gives way. Windowed layers have most of the memory in use now.
  expect(blocks.free).toBeLessThan(0.1 * blocks.blocks);
  for (const state of short) expect(fill(ledger, state, 256)).toBe(256);
  expect(ledger.counters.evictions).toBeGreaterThan(0);
  const windowed = [0, 1, 2, 3, 4, 5].reduce((sum, run) => sum + blocks.blocksOf(run), 0);
  expect(windowed / (blocks.blocks - blocks.idle)).toBeGreaterThan(0.8);
});
