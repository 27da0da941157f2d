import { openGpu } from '@heed/core';
import { runConformance } from '@heed/conformance';
import type { GpuHost } from '../measure/gpu-host.ts';
import type { ConformanceResult } from './box-report.ts';
import type { Size } from './box-cases.ts';

/** Conformance cases, by parts of their ids, on one tile path. */
export interface Subset {
  readonly path: Path;
  readonly filter: readonly string[];
}

const lengths = ['canary', 'seqused'];
const forward = [...lengths, 'windows', 'block-tables', 'gqa/'];

/** The cases that a size checks. On a GPU: a cross-section of all cases, and its core again on each forced path. */
export const subsets: Readonly<Record<Size, readonly Subset[]>> = {
  smallest: [{ path: 'default', filter: ['canary'] }],
  cpu: [{ path: 'default', filter: lengths }],
  gpu: [
    {
      path: 'default',
      filter: [
        ...forward,
        'empty-rows',
        'splits',
        'batch-invariance',
        'determinism',
        'options',
        'flex-library',
        'flex-block-masks',
        'backward-dense',
        'backward-packed',
        'backward-score-mods',
      ],
    },
    { path: 'portable', filter: forward },
    { path: 'subgroup', filter: forward },
  ],
};

/** A forced tile path, or heed's own choice. */
type Path = 'default' | 'portable' | 'subgroup' | 'decode';

/** Runs the cases of each subset, each on a new device. */
export async function conformanceOn(
  { gpu }: GpuHost,
  chosen: readonly Subset[],
  { signal, progress }: { signal: AbortSignal; progress: (line: string) => void },
): Promise<ConformanceResult[]> {
  const results: ConformanceResult[] = [];
  for (const { path, filter } of chosen) {
    progress(`conformance, ${path} path`);
    const tuning = path === 'default' ? {} : { tuning: { version: 1, force: { path } } as const };
    using opened = await openGpu({
      gpu,
      powerPreference: 'high-performance',
      label: 'conformance',
      ...tuning,
    });
    const { counts, cases, ms } = await runConformance(opened, { filter, signal });
    const failed = cases.filter(({ status }) => status === 'fail').map(({ id }) => id);
    results.push({ path, counts, failed, seconds: ms / 1000 });
  }
  return results;
}
