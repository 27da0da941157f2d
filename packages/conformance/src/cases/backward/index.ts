import type { Case } from '../case.ts';
import { denseCases } from './dense.ts';
import { determinismCases } from './determinism.ts';
import { emptyRowCases } from './empty-rows.ts';
import { fuzzCases } from './fuzz.ts';
import { gqaCases } from './gqa.ts';
import { headDimCases } from './head-dims.ts';
import { largeCases } from './large.ts';
import { hostileCases } from './hostile.ts';
import { lseCases } from './lse.ts';
import { maskCases } from './masks.ts';
import { packedCases } from './packed.ts';
import { pageCases } from './pages.ts';
import { scoreModCases } from './score-mods.ts';
import { seqUsedCases } from './seqused.ts';
import { sinkCases } from './sinks.ts';
import { slopeCases } from './slopes.ts';
import { storageCases } from './storage.ts';
import { strideCases } from './strides.ts';
import { weightCases } from './weights.ts';
import { zeroLengthCases } from './zero-length.ts';

/** The cases of gradients. */
export const backwardCases: readonly Case[] = [
  ...denseCases,
  ...gqaCases,
  ...emptyRowCases,
  ...zeroLengthCases,
  ...largeCases,
  ...weightCases,
  ...sinkCases,
  ...slopeCases,
  ...lseCases,
  ...packedCases,
  ...hostileCases,
  ...seqUsedCases,
  ...pageCases,
  ...strideCases,
  ...storageCases,
  ...scoreModCases,
  ...maskCases,
  ...determinismCases,
  ...headDimCases,
  ...fuzzCases,
];
