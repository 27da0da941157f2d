import type { Case } from './cases/shared/case.ts';

/** The list of cases that is checked in, so that a case that vanishes is seen in review. */
export interface Manifest {
  readonly counts: {
    readonly total: number;
    readonly quick: number;
    readonly full: number;
    readonly browser: number;
  };
  readonly groups: Readonly<Record<string, ManifestGroup>>;
}

/** The cases of one group; ids lack the group's name. */
export interface ManifestGroup {
  readonly count: number;
  readonly quick: readonly string[];
  readonly full: readonly string[];
}

/** The manifest of a list of cases. Throws on a case id that occurs twice. */
export function manifestOf(cases: readonly Case[]): Manifest {
  const groups = Map.groupBy(cases, (c) => c.group);
  const duplicate = cases.find((c, i) => cases.findIndex(({ id }) => id === c.id) !== i);
  if (duplicate !== undefined) throw new Error(`manifest: two cases are called ${duplicate.id}`);
  const quick = cases.filter((c) => c.tier === 'quick');
  return {
    counts: {
      total: cases.length,
      quick: quick.length,
      full: cases.length - quick.length,
      browser: quick.filter((c) => c.tags.includes('browser')).length,
    },
    groups: Object.fromEntries(
      [...groups].map(([name, members]) => [name, groupOf(name, members)]),
    ),
  };
}

function groupOf(name: string, members: readonly Case[]): ManifestGroup {
  const ids = (tier: Case['tier']): string[] =>
    members
      .filter((c) => c.tier === tier)
      .map((c) => c.id.slice(name.length + 1))
      .toSorted();
  return { count: members.length, quick: ids('quick'), full: ids('full') };
}
