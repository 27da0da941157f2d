import type { Gpu, Span, Tensor } from '@heed/core';
import { type BlockClasses, createBlockMask, flexAttention } from '@heed/flex';
import { pageGpu } from '../../page/page-gpu.ts';
import type { Table } from '../program/capture-table.ts';
import type { Mods, Program } from '../program/compiled-program.ts';
import {
  HEADS,
  largestDifference,
  type Scores,
  softmaxRows,
  timedInputs,
  twinScores,
  windowInputs,
} from './sample-problem.ts';

/** The results of a run, as far as they are known. */
export interface Findings {
  readonly scores: Scores;
  /** The GPU's weights, or the softmax of the scores while `onGpu` is false. */
  readonly weights: Float32Array;
  readonly onGpu: boolean;
  /** The largest difference between the GPU's weights and the softmax of the twin's scores. */
  readonly difference?: number;
  readonly blocks?: Blocks;
  readonly timing?: Timing;
}

/**
 * Runs a program: the CPU twin computes scores, the GPU weights, blocks and time. Calls `report` after each stage.
 * @throws the signal's reason once a later run replaces this one; a HeedError from the GPU
 */
export async function run(
  program: Program,
  tokens: number,
  signal: AbortSignal,
  report: (findings: Findings) => void,
): Promise<void> {
  const scores = await twinScores(program, signal);
  const expected = softmaxRows(scores);
  let findings: Findings = { scores, weights: expected, onGpu: false };
  report(findings);
  const gpu = await pageGpu();
  signal.throwIfAborted();
  if (!gpu) return;
  const tables: Tensor[] = [];
  const add = (more: Partial<Findings>): void => {
    signal.throwIfAborted();
    findings = { ...findings, ...more };
    report(findings);
  };
  try {
    const mods = program.mods((table) => keep(tables, upload(gpu, table)));
    const weights = await gpuWeights(gpu, mods, signal);
    add({ weights, onGpu: true, difference: largestDifference(weights, expected) });
    const blocks = await gpuBlocks(gpu, mods, tokens, signal);
    if (blocks) add({ blocks });
    add({ timing: await gpuTiming(gpu, mods, tokens, signal) });
  } finally {
    for (const tensor of tables) tensor.dispose();
  }
}

const upload = (gpu: Gpu, { data, shape, dtype }: Table): Tensor =>
  gpu.tensor(data, { shape, dtype, label: 'table' });

function keep<T>(list: T[], item: T): T {
  list.push(item);
  return item;
}

/** A single split, so that the heat map and the timed problem share a kernel. */
const numSplits = 1;

/** Computes the weights by the fused kernel, [HEADS, WINDOW, WINDOW]: attention whose values are the identity. */
async function gpuWeights(gpu: Gpu, mods: Mods, signal: AbortSignal): Promise<Float32Array> {
  const { q, k, v } = windowInputs(gpu);
  using out = flexAttention(q, k, v, { ...mods, numSplits }).out;
  return (await out.read({ signal })) as Float32Array;
}

/** The classes of a mask's blocks, read back to the CPU. */
export interface Blocks extends BlockClasses {
  readonly tokens: number;
  readonly blockSize: number;
}

/** Returns the block size: 8 to 128 blocks per side keep the picture readable. */
export function blockSizeOf(tokens: number): number {
  return tokens <= 1024 ? 32 : 128;
}

/** Classifies the mask's blocks on the GPU. A mask that does not depend on the head has one head of blocks. */
async function gpuBlocks(
  gpu: Gpu,
  { maskMod, captures }: Mods,
  tokens: number,
  signal: AbortSignal,
): Promise<Blocks | undefined> {
  if (!maskMod) return undefined;
  const blockSize = blockSizeOf(tokens);
  using mask = createBlockMask(gpu, maskMod, {
    B: 1,
    H: HEADS,
    Lq: tokens,
    Lk: tokens,
    blockSize,
    captures,
  });
  return { ...(await mask.toDense({ signal })), tokens, blockSize };
}

/** Counts a head's blocks by class: empty, partial, full. */
export function countClasses(
  { shape, classes }: BlockClasses,
  head: number,
): [number, number, number] {
  const [, heads, rows, columns] = shape;
  const start = Math.min(head, heads - 1) * rows * columns;
  const counts: [number, number, number] = [0, 0, 0];
  for (const kind of classes.subarray(start, start + rows * columns)) counts[kind as 0 | 1 | 2]++;
  return counts;
}

/** Milliseconds of one attention with the mods, and without them. */
interface Timing {
  readonly ms: number;
  readonly plainMs: number;
  readonly source: Span['source'];
}

type Measured = Pick<Timing, 'ms' | 'source'>;

/** Times both twice, alternating, and keeps the better: a first run may compile or find an idle GPU. */
async function gpuTiming(
  gpu: Gpu,
  mods: Mods,
  tokens: number,
  signal: AbortSignal,
): Promise<Timing> {
  const runs: { plain: Measured; modded: Measured }[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const plain = await measure(gpu, {}, tokens, signal);
    runs.push({ plain, modded: await measure(gpu, mods, tokens, signal) });
  }
  return {
    ms: Math.min(...runs.map(({ modded }) => modded.ms)),
    plainMs: Math.min(...runs.map(({ plain }) => plain.ms)),
    source: runs[0]!.modded.source,
  };
}

async function measure(
  gpu: Gpu,
  mods: Partial<Mods>,
  tokens: number,
  signal: AbortSignal,
): Promise<Measured> {
  signal.throwIfAborted();
  const { q, k, v } = timedInputs(gpu, tokens);
  const { result, spans } = await gpu.profile(() =>
    flexAttention(q, k, v, { captures: {}, ...mods, numSplits }),
  );
  result.out.dispose();
  return {
    ms: spans.reduce((sum, span) => sum + span.ms, 0),
    source: spans[0]?.source ?? 'wall',
  };
}
