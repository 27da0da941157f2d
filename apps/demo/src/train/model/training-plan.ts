import type { BatchSize } from '../../text/packing.ts';
import { type ModelConfig, type PresetName, presets } from '../../transformer/model-config.ts';

/** The training settings for a model size. */
export interface TrainingPlan {
  readonly batch: BatchSize;
  readonly schedule: Schedule;
  /** Steps between two evaluations of the held-out text. */
  readonly evaluateEvery: number;
  /** Steps between two samples. */
  readonly sampleEvery: number;
  /** Most tokens of a sample. */
  readonly sampleTokens: number;
}

/** The training plans of the page, by size. */
export const plans: Readonly<Record<PresetName, TrainingPlan>> = {
  tiny: {
    batch: { rows: 1, length: presets.tiny.context },
    schedule: { peak: 1e-2, warmup: 10, steps: 400 },
    evaluateEvery: 25,
    sampleEvery: 50,
    sampleTokens: 32,
  },
  small: {
    batch: { rows: 1, length: presets.small.context },
    schedule: { peak: 8e-3, warmup: 30, steps: 1500 },
    evaluateEvery: 50,
    sampleEvery: 250,
    sampleTokens: 96,
  },
  large: {
    batch: { rows: 4, length: presets.large.context },
    schedule: { peak: 2e-3, warmup: 100, steps: 1500 },
    evaluateEvery: 50,
    sampleEvery: 100,
    sampleTokens: 96,
  },
};

/** Returns the plan of the model's preset, or else the plan of `small` with the model's context. */
export function planFor(config: ModelConfig): TrainingPlan {
  const known = Object.entries(presets).find(([, preset]) => isSame(preset, config));
  if (known) return plans[known[0] as PresetName];
  return { ...plans.small, batch: { rows: plans.small.batch.rows, length: config.context } };
}

const isSame = (a: ModelConfig, b: ModelConfig): boolean =>
  Object.entries(a).every(([name, value]) => b[name as keyof ModelConfig] === value);

/** A learning rate that rises linearly, then falls along a cosine to a tenth of its peak. */
interface Schedule {
  readonly peak: number;
  readonly warmup: number;
  readonly steps: number;
}

const LAST = 0.1;

/** Returns the learning rate of a step, counted from 0. */
export function learningRate({ peak, warmup, steps }: Schedule, step: number): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const done = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return peak * (LAST + ((1 - LAST) * (1 + Math.cos(Math.PI * done))) / 2);
}
