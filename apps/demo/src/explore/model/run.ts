import type { Gpu, Tensor } from '@heed/core';
import { pageGpu } from '../../frame/gpu.ts';
import type { Program } from '../program/program.ts';
import type { Table } from '../program/table.ts';
import { type Blocks, gpuBlocks } from './blocks.ts';
import { largestDifference, type Scores, softmaxRows, twinScores } from './scores.ts';
import { gpuTiming, type Timing } from './timing.ts';
import { gpuWeights } from './weights.ts';

/** What a run finds, as it finds it. */
export interface Findings {
  readonly scores: Scores;
  /** From the GPU, else the softmax of the scores. */
  readonly weights: Float32Array;
  readonly onGpu: boolean;
  /** The largest difference between the GPU's weights and the softmax of the twin's scores. */
  readonly difference?: number;
  readonly blocks?: Blocks;
  readonly timing?: Timing;
}

/**
 * Runs a program: scores by the twin, weights, blocks and time by the GPU. Each stage is reported as it is done.
 * @throws the signal's reason when a later run has taken its place; a HeedError of the GPU
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
