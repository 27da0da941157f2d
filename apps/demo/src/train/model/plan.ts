import type { PresetName } from '../../transformer/config.ts';
import { presets } from '../../transformer/config.ts';
import type { BatchSize } from './batches.ts';
import type { Schedule } from './schedule.ts';

/** How a model of a size is trained. */
export interface TrainingPlan {
  readonly batch: BatchSize;
  readonly schedule: Schedule;
  /** Steps between two looks at the held-out text. */
  readonly evaluateEvery: number;
  /** Steps between two samples. */
  readonly sampleEvery: number;
}

/** The page's runs, by size. */
export const plans: Readonly<Record<PresetName, TrainingPlan>> = {
  tiny: {
    batch: { rows: 4, length: presets.tiny.context },
    schedule: { peak: 1e-2, warmup: 10, steps: 200 },
    evaluateEvery: 25,
    sampleEvery: 50,
  },
  small: {
    batch: { rows: 4, length: presets.small.context },
    schedule: { peak: 4e-3, warmup: 40, steps: 800 },
    evaluateEvery: 25,
    sampleEvery: 100,
  },
  large: {
    batch: { rows: 16, length: presets.large.context },
    schedule: { peak: 1.5e-3, warmup: 100, steps: 1500 },
    evaluateEvery: 50,
    sampleEvery: 100,
  },
};
