import type { CaseReport } from '@heed/conformance';

/** What the cases of one promise came to. */
export interface Tally {
  readonly pass: number;
  readonly fail: number;
  readonly unsupported: number;
  /** The measured error that came nearest to its budget, or furthest beyond it. */
  readonly worst?: { readonly error: number; readonly budget: number };
}

export function tallyOf(reports: readonly CaseReport[]): Tally {
  const count = (status: CaseReport['status']): number =>
    reports.filter((report) => report.status === status).length;
  const measured = reports.flatMap(({ error, budget }) =>
    error === undefined || budget === undefined ? [] : [{ error, budget }],
  );
  const use = ({ error, budget }: { error: number; budget: number }): number => error / budget;
  const worst = measured.toSorted((a, b) => use(b) - use(a))[0];
  return {
    pass: count('pass'),
    fail: count('fail'),
    unsupported: count('unsupported'),
    ...(worst && { worst }),
  };
}

/** The verdict in a word. */
export function verdictOf({
  pass,
  fail,
  unsupported,
}: Tally): '' | 'pass' | 'fail' | 'unsupported' {
  if (fail > 0) return 'fail';
  if (pass > 0) return 'pass';
  return unsupported > 0 ? 'unsupported' : '';
}
