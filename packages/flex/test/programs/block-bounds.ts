import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { boundsOf } from '../../src/text/backends/bounds/bounds.ts';
import {
  modStep,
  type NestedArray,
  readTable,
  type Step,
  twin,
  type TwinValues,
} from '../../src/text/backends/twin.ts';
import type { CompiledMod } from '../../src/text/compile/compiled-mod.ts';
import type { Resolution } from '../../src/text/compile/resolve.ts';
import type { Input, Node, RangeOf } from '../../src/text/ir/expression-node.ts';

/** How the nodes of bounds are run on the CPU: those of mods, and the least and largest elements of tables. */
function boundsStep(node: Node): Step {
  switch (node.op) {
    case 'range':
      return rangeStep(node.data as RangeOf) as never;
    case 'low':
      return ([range]) => (range as never as Range)[0];
    case 'high':
      return ([range]) => (range as never as Range)[1];
    default:
      return modStep(node);
  }
}

type Range = readonly [low: number, high: number];

/** The least and largest element for first ≤ index ≤ last along an axis. */
function rangeStep({ slot, axis }: RangeOf) {
  return (args: readonly number[], { tables }: Parameters<Step>[1]): Range => {
    const table = tables[slot.index]!;
    const first = args.slice(0, -1);
    const size = sizeAlong(table, axis);
    const clamp = (index: number): number => Math.min(Math.max(index, 0), size - 1);
    let [low, high] = [Infinity, -Infinity];
    for (let index = clamp(first[axis]!); index <= clamp(args.at(-1)!); index++) {
      const value = readTable(slot, table, first.with(axis, index));
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return [low, high];
  };
}

function sizeAlong(table: NestedArray | number, axis: number): number {
  let at = table;
  for (let i = 0; i < axis && typeof at === 'object'; i++) at = at[0]!;
  return typeof at === 'object' ? at.length : 1;
}

/** A block of pairs, all bounds inclusive, in a sequence. */
export interface Block {
  readonly b: number;
  readonly hFirst: number;
  readonly hLast: number;
  readonly qFirst: number;
  readonly qLast: number;
  readonly kvFirst: number;
  readonly kvLast: number;
  readonly qLen: number;
  readonly kvLen: number;
}

const span = (min: number, max: number, size: number): Arbitrary<readonly [number, number]> =>
  fc
    .tuple(fc.integer({ min, max }), fc.integer({ min: 0, max: size - 1 }))
    .map(([a, n]) => [a, a + n]);

export const blocks: Arbitrary<Block> = fc
  .record({
    b: fc.integer({ min: 0, max: 2 }),
    h: span(0, 3, 2),
    q: span(-6, 40, 9),
    kv: span(0, 40, 9),
    qLen: fc.integer({ min: 0, max: 48 }),
    more: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ h, q, kv, more, ...rest }) => ({
    ...rest,
    hFirst: h[0],
    hLast: h[1],
    qFirst: q[0],
    qLast: q[1],
    kvFirst: kv[0],
    kvLast: kv[1],
    kvLen: kv[1] + more,
  }));

export type BlockClass = 'empty' | 'partial' | 'full';

/** What bounds say of a block, beside what its pairs say. */
export interface Verdict {
  readonly claimed: BlockClass;
  readonly actual: BlockClass;
  /** Visible keys that the key range leaves out. */
  readonly lost: readonly number[];
}

type Captured = Omit<TwinValues, 'inputs'>;

/** The visibility of the pairs of one batch entry and its lengths. */
type Pairs = (lengths: string) => Map<number, boolean>;

/** More than there are positions. */
const SIZE = 2 ** 12;

/** Returns the function with its results kept. */
function memo<K, T>(make: (key: K) => T): (key: K) => T {
  const made = new Map<K, T>();
  return (key) => {
    const result = made.get(key) ?? make(key);
    made.set(key, result);
    return result;
  };
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Holds the bounds of a mask against enumeration. */
export function judge(mod: CompiledMod): (block: Block, captured: Captured) => Verdict {
  const { all, none, keys } = boundsOf(mod.graph, mod.root);
  const first = keys.first ?? mod.graph.i32(0);
  const end = keys.end ?? mod.graph.i32(2 ** 31 - 1);
  const bounds = twin([all, none, first, end], boundsStep);
  const visible = twin([mod.root]);
  // Blocks of several sizes hold the same pairs.
  const known = memo<Captured, Pairs>(() => memo(() => new Map()));
  return (block, captured) => {
    const [full, empty, from, to] = bounds({ inputs: spanOf(block), ...captured });
    const { b, qLen, kvLen } = block;
    const pairs = known(captured)([b, qLen, kvLen].join());
    const isVisible = (h: number, q: number, kv: number): boolean => {
      const pair = (h * SIZE + q) * SIZE + kv;
      const inputs = { b, h, q, kv, qLen, kvLen, qRow: 0, kvRow: kv };
      const result = pairs.get(pair) ?? (visible({ inputs, ...captured })[0] as boolean);
      pairs.set(pair, result);
      return result;
    };
    const shows = (kv: number): boolean[] =>
      range(block.hFirst, block.hLast).flatMap((h) =>
        range(block.qFirst, block.qLast).map((q) => isVisible(h, q, kv)),
      );
    const seen = range(block.kvFirst, block.kvLast).flatMap(shows);
    const outside = range(0, block.kvLen - 1).filter(
      (kv) => kv < (from as number) || kv >= (to as number),
    );
    return {
      claimed: empty ? 'empty' : full ? 'full' : 'partial',
      actual: seen.every(Boolean) ? 'full' : seen.some(Boolean) ? 'partial' : 'empty',
      lost: outside.filter((kv) => shows(kv).some(Boolean)),
    };
  };
}

function spanOf(block: Block): { readonly [I in Input]?: number } {
  return block;
}

/** The captured values of a resolution, by slot index of a compiled mod. */
export function capturedBy(
  { scalars, tables }: CompiledMod,
  values: Readonly<Record<string, unknown>>,
  resolution: Resolution,
): Captured {
  return {
    scalars: scalars.map(({ capture }) => resolution.scalars[capture]!),
    tables: tables.map(({ name }) => values[name] as number[]),
  };
}
