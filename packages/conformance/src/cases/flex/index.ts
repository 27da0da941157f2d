import type { Case } from '../case.ts';
import { biasCases } from './biases.ts';
import { blockClassCases } from './block-classes.ts';
import { blockMaskCases } from './block-masks.ts';
import { blockSliceCases } from './block-slices.ts';
import { broadcastCases } from './broadcasts.ts';
import { conditionCases } from './conditions.ts';
import { determinismCases } from './determinism.ts';
import { documentCases } from './documents.ts';
import { entryCases } from './entries.ts';
import { equalAttentionCases } from './equal-attention.ts';
import { hiddenCases } from './hidden.ts';
import { hostileCases } from './hostile.ts';
import { libraryCases } from './library.ts';
import { scoreModCases } from './score-mods.ts';
import { shapeCases } from './shapes.ts';
import { staleMaskCases } from './stale-masks.ts';

/** The cases of flexAttention. */
export const flexCases: readonly Case[] = [
  ...scoreModCases,
  ...biasCases,
  ...broadcastCases,
  ...conditionCases,
  ...hiddenCases,
  ...libraryCases,
  ...equalAttentionCases,
  ...blockMaskCases,
  ...staleMaskCases,
  ...blockSliceCases,
  ...blockClassCases,
  ...documentCases,
  ...entryCases,
  ...shapeCases,
  ...hostileCases,
  ...determinismCases,
];
