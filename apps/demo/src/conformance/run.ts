import type { CaseReport, ConformanceReport, Selection } from '@heed/conformance';
import type { News, Order } from './message.ts';

/** How a run ended. */
export type Ending =
  | ({ readonly kind: 'done' } & Pick<ConformanceReport, 'capabilities' | 'pipelines'>)
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };

/** A run in a worker with a device of its own. */
export interface Run {
  readonly ended: Promise<Ending>;
  readonly stop: () => void;
}

// A driver's compiler may hang; then the worker is ended without it.
const PATIENCE_MS = 3000;

/** Starts the cases of a selection; `report` hears of each that has run. */
export function startRun(selection: Selection, report: (last: CaseReport) => void): Run {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { type: 'module' });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to name
  const order = (what: Order): void => worker.postMessage(what);
  const { promise, resolve } = Promise.withResolvers<Ending>();
  worker.addEventListener('message', ({ data }: MessageEvent<News>) => {
    if (data.kind === 'case') report(data.report);
    else resolve(data);
  });
  worker.addEventListener('error', ({ message }) => resolve({ kind: 'failed', reason: message }));
  order({ kind: 'run', selection });
  return {
    ended: promise.finally(() => worker.terminate()),
    stop: () => {
      order({ kind: 'stop' });
      setTimeout(() => resolve({ kind: 'stopped' }), PATIENCE_MS);
    },
  };
}
