import type { Case, CaseReport } from '@heed/conformance';
import readme from '../../../../packages/conformance/README.md?raw';

/** A promise of heed, and the cases that check it. */
export interface Promised {
  readonly group: string;
  /** The rule, from the README of @heed/conformance. */
  readonly text: string;
  readonly cases: readonly Case[];
}

/** The rule of each group of cases, from the table in the README. */
const texts: ReadonlyMap<string, string> = new Map(
  readme
    .slice(readme.indexOf('| group | what must hold |'), readme.indexOf('*Tiers.*'))
    .split('\n')
    .flatMap((line) => {
      const [, groups, text] = /^\| (`.*`) \| (.*) \|$/.exec(line) ?? [];
      const plain = text?.replaceAll('`', '') ?? '';
      return [...(groups ?? '').matchAll(/`([^`]+)`/g)].map(
        ([, group]) => [group!, plain] as const,
      );
    }),
);

/** Groups the cases by promise, in running order. */
export function promisesOf(cases: readonly Case[]): Promised[] {
  const groups = Map.groupBy(cases, ({ group }) => group);
  return [...groups].map(([group, members]) => ({
    group,
    text: textOf(group),
    cases: members,
  }));
}

/** The table leaves out some groups `backward-*`: they check the rule of their base group for gradients. */
function textOf(group: string): string {
  const base = /^backward-(.*)$/.exec(group)?.[1];
  const same = base === undefined ? undefined : texts.get(base);
  return texts.get(group) ?? (same === undefined ? group : `gradients: ${same}`);
}

/** The results of one promise's cases. */
interface Tally {
  readonly pass: number;
  readonly fail: number;
  readonly unsupported: number;
  /** The measured error with the largest share of its budget. */
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

/** Returns the verdict in one word; '' before any case has run. */
export function verdictOf({
  pass,
  fail,
  unsupported,
}: Tally): '' | 'pass' | 'fail' | 'unsupported' {
  if (fail > 0) return 'fail';
  if (pass > 0) return 'pass';
  return unsupported > 0 ? 'unsupported' : '';
}
