import type { Capabilities } from '@heed/core';
import { isQuantised } from '@heed/core/kernel';
import type { TileShape } from '../parts/kinds.ts';
import { deviceClass } from './device-class.ts';
import { type TileClass, type TileNeeds, type TileProblem, workgroupExceeds } from './tile-path.ts';

/**
 * Few query rows against rows of k and v that go from memory straight into registers. Each lane of a row loads a part of it, and
 * keeps that part of all query rows and of their outputs.
 */
export interface DecodeTile {
  /** `integers`: products of q and k of integers. Each row of q is rounded to 8 bits by a step of its own. */
  readonly path: 'decode' | 'integers';
  /** Query rows: 1, 2, 4 or 8. */
  readonly rows: number;
  /** Lanes per row of k and v, a power of two. */
  readonly lanes: number;
  /** Rows of k that a thread loads at once, and as many of v. */
  readonly keysPerLane: number;
  /** Neighbouring lanes that sum their products by shuffles, a power of two; workgroup memory sums the rest. */
  readonly shuffled: number;
}

/** Threads of a workgroup. */
export const DECODE_THREADS = 64;

/** Returns the lanes' loads that cover a row, in vectors of four elements per lane. */
export function laneVecs(dim: number, elements: number, { lanes }: DecodeTile): number {
  return (Math.ceil(dim / (elements * lanes)) * elements) / 4;
}

export function decodeShape({ rows, lanes, keysPerLane }: DecodeTile): TileShape {
  return { tileM: rows, tileN: (DECODE_THREADS / lanes) * keysPerLane };
}

/** Returns the lengths of the workgroup arrays: floats of the scores and the weights, vectors of one output row's partial sums. */
export function decodeArrays(
  headDimV: number,
  elements: number,
  tile: DecodeTile,
): Record<'scores' | 'weights' | 'sums', number> {
  const { tileM, tileN } = decodeShape(tile);
  return {
    scores: tileM * tileN * (tile.lanes / tile.shuffled),
    // Every thread stores a weight, even if the tile has fewer scores than that.
    weights: Math.max(tileM * tileN, DECODE_THREADS),
    sums: DECODE_THREADS * laneVecs(headDimV, elements, tile),
  };
}

/** Returns the bytes of workgroup memory. Loads of fewer elements need no more than loads of 8. */
function decodeBytes({ headDimV }: TileNeeds, tile: DecodeTile): number {
  const { scores, weights, sums } = decodeArrays(headDimV, 8, tile);
  return (scores + weights + sums * 4 + DECODE_THREADS + tile.rows) * 4;
}

type TileOf<Path> = DecodeTile & { readonly path: Path };

const classOf = <Path extends DecodeTile['path']>(path: Path): TileClass<TileOf<Path>> => ({
  enables: ({ shuffled }) => (shuffled > 1 ? ['subgroups'] : []),
  shape: decodeShape,
  readsWide: true,
  sharesKv: true,
  cannot(tile, { subgroups, limits, integerDots }, _, needs) {
    if (needs.pass === 'prefix') return 'a group of sequences has more rows than its tiles';
    if (needs.keepsStates) return 'a gradient needs scores that are summed in its own order';
    if (path === 'integers' && !isQuantised(needs.kvType)) return 'its keys are not integers';
    if (path === 'integers' && needs.vType) return 'its values are stored otherwise than its keys';
    if (path === 'integers' && !integerDots) return 'the device has no products of packed integers';
    if (tile.shuffled > 1 && !subgroups) return 'the device has no subgroups';
    if (tile.shuffled > 1 && tile.shuffled > subgroups!.min) {
      return `${tile.shuffled} lanes shuffle; subgroups may have ${subgroups!.min} here`;
    }
    return workgroupExceeds({ bytes: decodeBytes(needs, tile), threads: DECODE_THREADS }, limits);
  },
  // The teams, whose sums are added in a loop that software must not unroll.
  keyTurns: ({ lanes }) => DECODE_THREADS / lanes,
  // Rounding q changes results, so integers are taken on request only.
  isDefault: (use, capabilities) =>
    path === 'decode' && use === 'group' && deviceClass(capabilities).unroll,
  defaults: (_, capabilities, problem) => tilesFor(path, capabilities, problem),
  fallsBack: () => true,
});

export const decodeTiles: TileClass<TileOf<'decode'>> = classOf('decode');
export const integerTiles: TileClass<TileOf<'integers'>> = classOf('integers');

// Registers of a thread for its parts of the query rows and of their outputs, and for those and its loads. With more, compilers
// for GPUs that have 255 registers per thread spill some.
const ROW_REGISTERS = 128;
const REGISTERS = 160;

/** Returns the tiles for a problem: as many rows as its groups have, and the most loads for which there are registers. */
function tilesFor<Path extends DecodeTile['path']>(
  path: Path,
  capabilities: Capabilities,
  problem: TileProblem,
): TileOf<Path>[] {
  const { kvType, headDim, headDimV, groupRows } = problem;
  // A load is 16 bytes of floats, or a word of integers, of which a lane then loads two.
  const elements = kvType === 'f32' || kvType === 'int8' ? 4 : 8;
  const loads = Math.ceil(Math.max(headDim, headDimV) / elements);
  const lanes = powerOfTwo(Math.min(Math.max(loads, 4), isQuantised(kvType) ? 16 : 32));
  const perKey = Math.ceil(headDim / (elements * lanes)) + Math.ceil(headDimV / (elements * lanes));
  const rowRegisters = perKey * elements;
  const keyRegisters = perKey * (isQuantised(kvType) ? 1 : 4);
  const rows = Math.min(powerOfTwo(groupRows), floorPower(ROW_REGISTERS / rowRegisters), 8);
  const keys = Math.max(floorPower((REGISTERS - rows * rowRegisters) / keyRegisters), 4);
  // With fewer keys, the sums take less workgroup memory.
  return [8, 4, 2, 1]
    .filter((n) => n <= Math.min(keys, mostKeys(capabilities)))
    .map((keysPerLane) => ({
      path,
      rows,
      lanes,
      keysPerLane,
      shuffled: shuffledOf(lanes, capabilities),
    }));
}

/** Returns the tiles that `tune` tries for few rows: more or fewer lanes and keys than the default's. */
export function decodeGrid(
  path: DecodeTile['path'],
  capabilities: Capabilities,
  problem: TileProblem,
): DecodeTile[] {
  const [{ rows, lanes }] = tilesFor(path, capabilities, problem) as [DecodeTile];
  return [lanes / 2, lanes, lanes * 2]
    .filter((n) => n >= 4 && n <= 32)
    .flatMap((n) =>
      [2, 4, 8]
        .filter((keys) => keys <= mostKeys(capabilities))
        .map((keysPerLane) => ({
          path,
          rows,
          lanes: n,
          keysPerLane,
          shuffled: shuffledOf(n, capabilities),
        })),
    );
}

/** Returns the most keys per lane. Compile time grows faster than the text, which repeats itself for each key. */
const mostKeys = (capabilities: Capabilities): number => (deviceClass(capabilities).unroll ? 8 : 2);

const shuffledOf = (lanes: number, { subgroups }: Capabilities): number =>
  Math.min(lanes, subgroups?.min ?? 1);

/** Returns the least power of two that is not below n. */
const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(n, 1)));

/** Returns the greatest power of two that is not above n; at least 1. */
const floorPower = (n: number): number => 2 ** Math.floor(Math.log2(Math.max(n, 1)));
