import type { BlockClasses } from '../../src/index.ts';
import type { BlockMaskOptions } from '../../src/host/block-mask-options.ts';

/** A mask called like the user's function, on the CPU. */
export type Visible = (
  b: number,
  h: number,
  q: number,
  kv: number,
  info: { readonly qLen: number; readonly kvLen: number },
) => boolean;

/** What a block mask is made for, in the words of the test: the lengths of every batch entry or sequence. */
export interface MaskProblem {
  readonly isPacked: boolean;
  readonly sequences: readonly { readonly qLen: number; readonly kLen: number }[];
  /** Of packed sequences. */
  readonly cuQ: readonly number[];
  readonly heads: number;
  readonly align: 'start' | 'end';
  readonly block: readonly [q: number, k: number];
}

export interface Judgement {
  /** Blocks that are said to be empty or full, and are not; blocks where there are none. */
  readonly wrong: readonly string[];
  /** Blocks that are empty or full, and those of them that are known to be. */
  readonly decidable: number;
  readonly decided: number;
}

/** The problem of some options of `createBlockMask`, with lengths of the host. */
export function problemOf(o: Omit<BlockMaskOptions, 'captures'>): MaskProblem {
  const { B = 1, H = 1, align = 'end', blockSize = 128, Lq, Lk } = o;
  const block = typeof blockSize === 'number' ? ([blockSize, blockSize] as const) : blockSize;
  const used = o.seqUsedK as Int32Array | undefined;
  const cuQ = o.cuSeqlensQ as Int32Array | undefined;
  const rest = { heads: H, align, block, isPacked: cuQ !== undefined };
  if (cuQ === undefined) {
    const sequences = Array.from({ length: B }, (_, b) => ({ qLen: Lq!, kLen: used?.[b] ?? Lk! }));
    return { ...rest, sequences, cuQ: [] };
  }
  const cuK = (o.cuSeqlensK ?? cuQ) as Int32Array;
  const sequences = Array.from({ length: cuQ.length - 1 }, (_, b) => ({
    qLen: cuQ[b + 1]! - cuQ[b]!,
    kLen: used?.[b] ?? cuK[b + 1]! - cuK[b]!,
  }));
  return { ...rest, sequences, cuQ: [...cuQ] };
}

/** 0, 1 or 2 by asking for the pairs of the block, no more than it takes. */
function classOf(pairs: Iterable<boolean>): number {
  const seen = new Set<boolean>();
  for (const isVisible of pairs) {
    seen.add(isVisible);
    if (seen.size === 2) return 1;
  }
  return seen.has(true) ? 2 : 0;
}

/** Holds the classes of blocks against enumeration of the pairs. */
export function judgeBlocks(
  { shape, classes, columns }: BlockClasses,
  { sequences, isPacked, cuQ, heads, align, block }: MaskProblem,
  visible: Visible,
): Judgement {
  const [blockM, blockN] = block;
  const [batch, , rows, most] = shape;
  const wrong: string[] = [];
  const there = new Uint32Array(batch * rows);
  let [decidable, decided] = [0, 0];
  sequences.forEach(({ qLen, kLen }, b) => {
    const firstRow = isPacked ? Math.floor(cuQ[b]! / blockM) + b : 0;
    const entry = isPacked ? 0 : b;
    const shift = align === 'end' ? kLen - qLen : 0;
    const columnCount = Math.ceil(kLen / blockN);
    function* pairs(h: number, row: number, column: number): Generator<boolean> {
      const [rowEnd, keyEnd] = [Math.min(row + blockM, qLen), Math.min(column + blockN, kLen)];
      for (let i = row; i < rowEnd; i++) {
        for (let kv = column; kv < keyEnd; kv++) {
          yield visible(b, h, i + shift, kv, { qLen, kvLen: kLen });
        }
      }
    }
    for (let row = 0; row * blockM < qLen; row++) {
      there[entry * rows + firstRow + row] = columnCount;
      for (let h = 0; h < heads; h++) {
        for (let column = 0; column < columnCount; column++) {
          const claimed = classes[((entry * heads + h) * rows + firstRow + row) * most + column]!;
          const actual = classOf(pairs(h, row * blockM, column * blockN));
          if (claimed !== 1 && claimed !== actual) {
            wrong.push(`b ${b}, h ${h}, row ${row}, column ${column}: ${claimed} for ${actual}`);
          }
          if (actual !== 1) decidable++;
          if (actual !== 1 && claimed === actual) decided++;
        }
      }
    }
  });
  for (const [i, count] of there.entries()) {
    if (columns[i] !== count) wrong.push(`row ${i}: ${columns[i]} columns for ${count}`);
  }
  const total = there.reduce((sum, n) => sum + n, 0) * heads;
  const listed = classes.length === 0 ? 0 : classes.filter((c) => c > 0).length;
  if (listed > total) wrong.push(`${listed} blocks where there are ${total}`);
  return { wrong, decidable, decided };
}
