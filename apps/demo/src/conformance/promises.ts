import readme from '../../../../packages/conformance/README.md?raw';
import type { Case } from '@heed/conformance';

/** Something that heed promises, and the cases that hold it. */
export interface Promised {
  readonly group: string;
  /** What must hold, as the README of @heed/conformance has it. */
  readonly text: string;
  readonly cases: readonly Case[];
}

/** What each group of cases is about, from the table of the README. */
export const texts: ReadonlyMap<string, string> = new Map(
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
