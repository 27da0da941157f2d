import type { Gpu, Span } from '@heed/core';
import { flexAttention } from '@heed/flex';
import type { Mods } from '../program/program.ts';
import { timedInputs } from './gpu-problem.ts';
import { numSplits } from './weights.ts';

/** Milliseconds of one attention, and of the same without mods. */
export interface Timing {
  readonly ms: number;
  readonly plainMs: number;
  readonly source: Span['source'];
}

type Measured = Pick<Timing, 'ms' | 'source'>;

/** The better of two for each, in turn: a first run may compile, or find the GPU asleep. */
export async function gpuTiming(
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
