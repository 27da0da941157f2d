import type { Tuning } from '@heed/core';
import type { KernelSource } from '@heed/core/kernel';
import type { FloatType } from '../config/forward.ts';
import type { TileConfig } from '../tiles/tile.ts';
import type { Sample } from './sample.ts';

/** A kernel that is tuned by itself: the forward pass, dq, or dk and dv. */
export type TunedKernel = 'forward' | 'q' | 'kv';

/** What a kernel wrote. */
export interface Output {
  readonly values: ArrayLike<number>;
  readonly dtype: FloatType;
}

/** What a tuning comes to on one sample. */
export interface Attempt {
  readonly tile: TileConfig;
  readonly splits: number;
  readonly reason: string;
  readonly sources: () => readonly KernelSource[];
  /** Dispatches it once; nothing is read. */
  readonly run: () => void;
  /** The results, in memory that held none before. */
  readonly read: () => Promise<Output[]>;
}

/** How a kernel is chosen and run on a sample. */
export type AttemptOf = (sample: Sample, tuning: Tuning) => Attempt;
