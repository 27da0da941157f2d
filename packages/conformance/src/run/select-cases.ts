import { type Meant, type NamesOf, readOptions } from '@heed/core/kernel';
import { allCases } from '../cases/all-cases.ts';
import type { Case, RunnableCase } from '../cases/shared/case.ts';
import type { FloatDType } from '../reference/number-types.ts';

/** Selects cases; a field that is absent does not restrict. */
export interface Selection {
  /** Parts of case ids: selects cases whose id contains any of them. `*` matches any text. */
  readonly filter?: string | readonly string[];
  /** 'full' includes the quick cases. Default 'quick'. */
  readonly tier?: 'quick' | 'full';
  readonly dtype?: FloatDType;
  /** Selects cases with this tag, e.g. 'browser' for the subset that runs in every browser test. */
  readonly tag?: string;
}

export const selectionNames: NamesOf<Selection> = { filter: 1, tier: 1, dtype: 1, tag: 1 };

/** Names that other test runners use for the options of a run. */
export const meantRun: Meant = () => ({
  cases: 'filter',
  only: 'filter',
  grep: 'filter',
  pattern: 'filter',
  tags: 'tag',
  full: "Pass tier: 'full'.",
  quick: "Pass tier: 'quick'.",
});

/** Returns the cases of a selection, in running order. */
export function selectCases(selection?: Selection): Case[] {
  return casesOf(readOptions('selectCases', selection, selectionNames, meantRun));
}

/** Returns the cases of a checked selection, with their code. */
export function casesOf(selection: Selection): RunnableCase[] {
  const { filter = [], tier = 'quick', dtype, tag } = selection;
  const patterns = (typeof filter === 'string' ? [filter] : filter).map(toPattern);
  return allCases.filter(
    (c) =>
      (tier === 'full' || c.tier === 'quick') &&
      (dtype === undefined || c.dtype === dtype) &&
      (tag === undefined || c.tags.includes(tag)) &&
      (patterns.length === 0 || patterns.some((pattern) => pattern.test(c.id))),
  );
}

function toPattern(text: string): RegExp {
  const literal = text.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(literal.join('.*'));
}

/** The names of all cases, by group; ids lack the name of the group. It is checked in, so that review shows a case that vanishes. */
export interface Manifest {
  readonly counts: {
    readonly total: number;
    readonly quick: number;
    readonly full: number;
    readonly browser: number;
  };
  readonly groups: Readonly<
    Record<
      string,
      {
        readonly count: number;
        readonly quick: readonly string[];
        readonly full: readonly string[];
      }
    >
  >;
}

/**
 * Returns the manifest of a list of cases.
 * @throws Error two cases have one id
 */
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

function groupOf(name: string, members: readonly Case[]): Manifest['groups'][string] {
  const ids = (tier: Case['tier']): string[] =>
    members
      .filter((c) => c.tier === tier)
      .map((c) => c.id.slice(name.length + 1))
      .toSorted();
  return { count: members.length, quick: ids('quick'), full: ids('full') };
}
