import { type BlockMask, createBlockMask, type MaskMod } from '@heed/flex';
import { type Check, holds } from '../../budget/output-checks.ts';
import { recordOutput } from '../../problems/output-hashes.ts';
import { Scope } from '../../problems/case-tensors.ts';
import { unravel } from '../../reference/nd-array.ts';
import { type Case, defineCase } from '../case.ts';

const [B, H, Lq, Lk] = [3, 4, 150, 200];
const blockSize = 32;

const mask: MaskMod<{ step: number }> = (b, h, q, kv, { step }) =>
  q >= kv && q - kv <= step * (1 + b) + 9 * h;
const captures = { step: 24 };
const info = { qLen: Lq, kvLen: Lk, qRow: 0, kvRow: 0 };

/** 0 if no pair of a block is visible, 2 if all are, else 1. */
function classOf([b, h, row, column]: readonly number[], off: number): number {
  let [seen, pairs] = [0, 0];
  for (let i = row! * blockSize; i < Math.min(Lq, (row! + 1) * blockSize); i++) {
    for (let j = column! * blockSize; j < Math.min(Lk, (column! + 1) * blockSize); j++, pairs++)
      if (mask(b!, h!, i + off, j, captures, info)) seen++;
  }
  return seen === 0 ? 0 : seen === pairs ? 2 : 1;
}

/** Every class against all pairs of its block: bounds may say partial, never a wrong full or empty. */
async function soundClasses(made: BlockMask, off: number): Promise<Check[]> {
  const { shape, classes } = await made.toDense();
  const wrong = [...classes].flatMap((class_, at) => {
    const index = unravel(at, shape);
    const truth = classOf(index, off);
    return class_ === 1 || class_ === truth
      ? []
      : [`[${index.join(', ')}] is ${truth}, not ${class_}`];
  });
  return [
    holds('shape', String(shape) === '3,4,5,7', `[${shape.join(', ')}], want [3, 4, 5, 7]`),
    holds('classes', wrong.length === 0, wrong.slice(0, 8).join('; ')),
  ];
}

/** Counts and ascending indices of each row of blocks, as the classes have them. */
async function listsOfClasses(made: BlockMask): Promise<Check[]> {
  const { shape, classes } = await made.toDense();
  const [, , , columns] = shape;
  const lists = [
    ['partial', 1, made.kvNumBlocks, made.kvIndices],
    ['full', 2, made.fullKvNumBlocks, made.fullKvIndices],
  ] as const;
  const checks: Check[] = [];
  for (const [name, class_, counts, indices] of lists) {
    const rows = Array.from({ length: classes.length / columns }, (_, row) =>
      [...classes.subarray(row * columns, (row + 1) * columns)].flatMap((c, column) =>
        c === class_ ? [column] : [],
      ),
    );
    const wantIndices = rows.flatMap((row) => [...row, ...Array(columns - row.length).fill(-1)]);
    const [gotCounts, gotIndices] = [await counts.read(), await indices.read()];
    recordOutput(counts.gpu, `${name} counts`, gotCounts);
    recordOutput(indices.gpu, `${name} indices`, gotIndices);
    const wantCounts = rows.map((row) => row.length);
    checks.push(
      holds(`${name} counts`, String(gotCounts) === String(wantCounts), String(gotCounts)),
      holds(`${name} indices`, String(gotIndices) === String(wantIndices), String(gotIndices)),
    );
  }
  return checks;
}

export const blockClassCases: readonly Case[] = (['start', 'end'] as const).flatMap((align) =>
  defineCase('flex-block-classes', `align-${align}`, {
    dtypes: ['f32'],
    tags: ['browser'],
    async run(gpu) {
      const scope = new Scope(gpu);
      try {
        const sizes = { B, H, Lq, Lk, align, blockSize, captures };
        const made = scope.own(createBlockMask(gpu, mask, sizes));
        const off = align === 'end' ? Lk - Lq : 0;
        return [...(await soundClasses(made, off)), ...(await listsOfClasses(made))];
      } finally {
        scope.dispose();
      }
    },
  }),
);
