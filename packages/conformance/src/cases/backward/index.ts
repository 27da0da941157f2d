import type { Case } from '../case.ts';
import { denseCases } from './dense.ts';
import { determinismCases } from './determinism.ts';
import { emptyRowCases } from './empty-rows.ts';
import { fuzzCases } from './fuzz.ts';
import { gqaCases } from './gqa.ts';
import { headDimCases } from './head-dims.ts';
import { lseCases } from './lse.ts';
import { maskCases } from './masks.ts';
import { packedCases } from './packed.ts';
import { pageCases } from './pages.ts';
import { scoreModCases } from './score-mods.ts';
import { seqUsedCases } from './seqused.ts';
import { sinkCases } from './sinks.ts';
import { strideCases } from './strides.ts';

/** The cases of gradients. */
export const backwardCases: readonly Case[] = [
  ...denseCases,
  ...gqaCases,
  ...emptyRowCases,
  ...sinkCases,
  ...lseCases,
  ...packedCases,
  ...seqUsedCases,
  ...pageCases,
  ...strideCases,
  ...scoreModCases,
  ...maskCases,
  ...determinismCases,
  ...headDimCases,
  ...fuzzCases,
];
