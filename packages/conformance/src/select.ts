import { readOptions } from '@heed/core/kernel';
import { allCases } from './cases/all-cases.ts';
import type { Case, Tier } from './cases/shared/case.ts';
import type { FloatDType } from './reference/number-types.ts';
import { meantRun, selectionNames } from './option-names.ts';

/** Which cases to take; what is left out does not restrict. */
export interface Selection {
  /** Parts of case ids; a case is taken when its id contains any of them. `*` stands for anything. */
  readonly filter?: string | readonly string[];
  /** 'full' takes the quick cases too. Default 'quick'. */
  readonly tier?: Tier;
  readonly dtype?: FloatDType;
  /** Takes only cases with this tag, e.g. 'browser' for the subset that runs in every browser test. */
  readonly tag?: string;
}

/** The cases of a selection, in running order. */
export function selectCases(selection?: Selection): Case[] {
  const given = readOptions('selectCases', selection, selectionNames, meantRun);
  const { filter = [], tier = 'quick', dtype, tag } = given;
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
