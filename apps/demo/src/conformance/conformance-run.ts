import type { CaseReport, ConformanceReport, Selection } from '@heed/conformance';

/** A message from the page to the worker. */
export type Order =
  | { readonly kind: 'run'; readonly selection: Selection }
  | { readonly kind: 'stop' };

/** A message from the worker to the page. */
export type News =
  | { readonly kind: 'case'; readonly report: CaseReport }
  | {
      readonly kind: 'done';
      readonly capabilities: ConformanceReport['capabilities'];
      readonly pipelines: number;
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };

/** How a run ended. */
export type Ending =
  | ({ readonly kind: 'done' } & Pick<ConformanceReport, 'capabilities' | 'pipelines'>)
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };

/** A run in a worker, which opens its own device. */
export interface Run {
  readonly ended: Promise<Ending>;
  readonly stop: () => void;
}

// A driver's compiler may hang; after this time the worker is terminated.
const PATIENCE_MS = 3000;

/** Runs the cases of a selection; `report` receives each result. */
export function startRun(selection: Selection, report: (last: CaseReport) => void): Run {
  const worker = new Worker(new URL('./conformance-worker.ts', import.meta.url), {
    type: 'module',
  });
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

/** The selections to choose from, smallest first. */
export const selections: Readonly<
  Record<string, { readonly text: string; readonly selection: Selection }>
> = {
  browser: { text: 'A sample of every kind', selection: { tag: 'browser' } },
  quick: { text: 'Quick: what every change is tested with', selection: { tier: 'quick' } },
  full: { text: 'Full: the exhaustive matrix', selection: { tier: 'full' } },
};
