import type { Case } from '../case.ts';
import { appendCases } from './append.ts';
import { attentionCases } from './attention.ts';
import { pageCases } from './pages.ts';
import { rotaryCases } from './rotary.ts';
import { storeCases } from './stores.ts';

/** The cases of what a server runs beside attention: the cache's kernels, through its public functions. */
export const cacheCases: readonly Case[] = [
  ...appendCases,
  ...rotaryCases,
  ...pageCases,
  ...storeCases,
  ...attentionCases,
];
