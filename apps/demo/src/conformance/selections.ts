import type { Selection } from '@heed/conformance';

/** What there is to run, from little to all. */
export const selections: Readonly<
  Record<string, { readonly text: string; readonly selection: Selection }>
> = {
  browser: { text: 'A sample of every kind', selection: { tag: 'browser' } },
  quick: { text: 'Quick: what every change is tested with', selection: { tier: 'quick' } },
  full: { text: 'Full: the exhaustive matrix', selection: { tier: 'full' } },
};
