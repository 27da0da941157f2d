import { backwardCases } from './backward/index.ts';
import { batchInvarianceCases } from './batch-invariance.ts';
import { blockTableCases } from './block-tables.ts';
import { cacheCases } from './cache/index.ts';
import { canaryCases } from './canary.ts';
import type { Case } from './case.ts';
import { chunkedPrefillCases } from './chunked-prefill.ts';
import { determinismCases } from './determinism.ts';
import { dtypeCases } from './dtypes.ts';
import { emptyRowCases } from './empty-rows.ts';
import { flexCases } from './flex/index.ts';
import { fuzzCases } from './fuzz.ts';
import { gpuLengthCases } from './gpu-lengths.ts';
import { gqaCases } from './gqa.ts';
import { gridCases } from './grids.ts';
import { headDimCases } from './head-dims.ts';
import { hostileLengthCases } from './hostile-lengths.ts';
import { lengthCases } from './lengths.ts';
import { lseCases } from './lse.ts';
import { mergeCases } from './merge.ts';
import { optionCases } from './options.ts';
import { outParamCases } from './out-param.ts';
import { pagedViewCases } from './paged-view.ts';
import { planCases } from './plans.ts';
import { quantisedCases } from './quantised/index.ts';
import { readCases } from './reads.ts';
import { seqUsedCases } from './seqused.ts';
import { splitCases } from './splits.ts';
import { strideCases } from './strides.ts';
import { validationCases } from './validation/validation.ts';
import { windowedViewCases } from './windowed-view.ts';
import { windowCases } from './windows.ts';
import { zeroLengthCases } from './zero-length.ts';

/** Every case, cheap preconditions first. */
export const allCases: readonly Case[] = [
  ...canaryCases,
  ...readCases,
  ...validationCases,
  ...lengthCases,
  ...zeroLengthCases,
  ...emptyRowCases,
  ...windowCases,
  ...seqUsedCases,
  ...blockTableCases,
  ...pagedViewCases,
  ...windowedViewCases,
  ...quantisedCases,
  ...cacheCases,
  ...gpuLengthCases,
  ...hostileLengthCases,
  ...gqaCases,
  ...splitCases,
  ...lseCases,
  ...mergeCases,
  ...batchInvarianceCases,
  ...determinismCases,
  ...chunkedPrefillCases,
  ...strideCases,
  ...outParamCases,
  ...dtypeCases,
  ...optionCases,
  ...fuzzCases,
  ...planCases,
  ...gridCases,
  ...headDimCases,
  ...flexCases,
  ...backwardCases,
];
