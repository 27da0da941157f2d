import type { Case, CaseReport } from '@heed/conformance';
import readme from '../../../../packages/conformance/README.md?raw';

/** Something that heed promises, and the cases that hold it. */
export interface Promised {
  readonly group: string;
  /** What must hold, as the README of @heed/conformance has it. */
  readonly text: string;
  readonly cases: readonly Case[];
}

/** What each group of cases is about, from the table of the README. */
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

/** The cases by what they hold, in running order. */
export function promisesOf(cases: readonly Case[]): Promised[] {
  const groups = Map.groupBy(cases, ({ group }) => group);
  return [...groups].map(([group, members]) => ({
    group,
    text: textOf(group),
    cases: members,
  }));
}

/** Groups of gradients that the table leaves out hold the same of gradients. */
function textOf(group: string): string {
  const base = /^backward-(.*)$/.exec(group)?.[1];
  const same = base === undefined ? undefined : texts.get(base);
  return texts.get(group) ?? (same === undefined ? group : `gradients: ${same}`);
}

/** What the cases of one promise came to. */
interface Tally {
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
