import { runConformance } from '@heed/conformance';
import { openGpu } from '@heed/core';
import type { News, Order } from './conformance-run.ts';

// The float64 references are computed on the CPU, which would block the page.
let abort: AbortController | undefined;

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  if (data.kind === 'stop') abort?.abort();
  else void run(data);
});

const tell = (news: News): void => postMessage(news);

async function run({ selection }: Extract<Order, { kind: 'run' }>): Promise<void> {
  const { signal } = (abort = new AbortController());
  try {
    using gpu = await openGpu({ label: 'heed conformance' });
    const { capabilities, pipelines } = await runConformance(gpu, {
      ...selection,
      signal,
      onProgress: ({ last }) => tell({ kind: 'case', report: last }),
    });
    tell({ kind: 'done', capabilities, pipelines });
  } catch (error) {
    if (signal.aborted) tell({ kind: 'stopped' });
    else tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  }
}
