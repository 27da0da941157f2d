import type { CaseReport, ConformanceReport, Selection } from '@heed/conformance';

/** From the page to the worker. */
export type Order =
  | { readonly kind: 'run'; readonly selection: Selection }
  | { readonly kind: 'stop' };

/** From the worker to the page. */
export type News =
  | { readonly kind: 'case'; readonly report: CaseReport }
  | {
      readonly kind: 'done';
      readonly capabilities: ConformanceReport['capabilities'];
      readonly pipelines: number;
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };
