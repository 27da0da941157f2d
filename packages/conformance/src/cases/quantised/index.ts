import type { Case } from '../case.ts';
import { entryCases } from './entries.ts';
import { headDimCases } from './head-dims.ts';
import { invarianceCases } from './invariance.ts';
import { modCases } from './mods.ts';
import { optionCases } from './options.ts';
import { pageCases } from './pages.ts';
import { planCases } from './plans.ts';
import { roundingCases } from './rounding.ts';

/** The cases of attention over quantised pages. */
export const quantisedCases: readonly Case[] = [
  ...pageCases,
  ...optionCases,
  ...entryCases,
  ...invarianceCases,
  ...roundingCases,
  ...planCases,
  ...headDimCases,
  ...modCases,
];
