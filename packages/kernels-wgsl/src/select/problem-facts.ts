import type { VariantHooks } from '../text/parts/hook.ts';
import type {
  FloatType,
  GradientOf,
  KeyKind,
  KeyType,
  LengthKind,
  RowKind,
} from '../text/parts/kinds.ts';
import { rowShapes } from './row-shapes.ts';

/** A problem in the terms that selection uses. */
export interface ProblemFacts {
  /** Of q and out. */
  readonly dtype: FloatType;
  readonly kvDtype: KeyType;
  readonly headDim: number;
  readonly headDimV: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  readonly qHeads: number;
  readonly kvHeads: number;
  readonly batch: number;
  readonly seqlenQ: number;
  /** Of a sequence. */
  readonly seqlenK: number;
  readonly hooks: VariantHooks;
  readonly numSplits: number | 'auto';
}

/**
 * A problem's canonical name in a `Tuning`: everything that may decide a tile. With a fixed `numSplits` no batch size and no
 * length is in it, nor a number of heads, which is what keeps results batch-invariant when tuned; with 'auto', their classes are.
 */
export function problemKey(facts: ProblemFacts, rows: RowKind): string {
  const fixed = `forward ${kindOf(facts)}`;
  return facts.numSplits === 'auto' ? `${fixed} rows=${rows} ${sizeClass(facts)}` : fixed;
}

/** The same of a backward kernel. */
export function gradientKey(facts: ProblemFacts, of: GradientOf): string {
  const fixed = `d${of} ${kindOf(facts)}`;
  return facts.numSplits === 'auto' ? `${fixed} ${sizeClass(facts)}` : fixed;
}

// A compiled mod's hook is named by the hash of what it computes: no name and no text of its source is in a key.
function kindOf(facts: ProblemFacts): string {
  const { dtype, kvDtype, headDim, headDimV, lengths, keys, qHeads, kvHeads, hooks, numSplits } =
    facts;
  return `q=${dtype} kv=${kvDtype} d=${headDim} dv=${headDimV} ${lengths} ${keys} hooks=${hooks.key} group=${qHeads / kvHeads} splits=${numSplits}`;
}

/** Query positions and keys of a sequence, and how many kv heads all sequences have: each up to the next power of two. */
function sizeClass({ lengths, batch, kvHeads, seqlenQ, seqlenK }: ProblemFacts): string {
  return `q<=${classOf(rowShapes[lengths].positions(seqlenQ, batch))} k<=${classOf(seqlenK)} heads<=${classOf(batch * kvHeads)}`;
}

function classOf(size: number): number {
  return size > 1 ? 2 ** (32 - Math.clz32(Math.ceil(size) - 1)) : 1;
}
