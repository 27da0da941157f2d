import type { CascadePass } from '../text/parts/cascade.wgsl.ts';
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

/** The facts of a problem that selection depends on. */
export interface ProblemFacts {
  /** Element type of q and out. */
  readonly dtype: FloatType;
  readonly kvDtype: KeyType;
  /** Of v, where it is not that of k. */
  readonly vDtype?: KeyType | undefined;
  readonly headDim: number;
  readonly headDimV: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  readonly qHeads: number;
  readonly kvHeads: number;
  readonly batch: number;
  readonly seqlenQ: number;
  /** Of a sequence; with selected keys, the keys that a row's list can name. */
  readonly maxSeqlenK: number;
  /** Number of keys that an entry of a list of selected keys names; 0 without such lists. */
  readonly selectedBlock: number;
  /** With lists of selected keys: which rows share one, all query heads of a kv head at one position, or a single row. */
  readonly listRows: RowKind | undefined;
  readonly hooks: VariantHooks;
  readonly numSplits: number | 'auto';
  /** Whether v is the first columns of k, in the same memory. Tiles and bits do not depend on it. */
  readonly sharedKv: boolean;
  /** Whether a gradient follows, which recomputes the scores and needs their bits. */
  readonly keepsStates: boolean;
  /** Which pass over sequences that begin with the same pages, if it is one. */
  readonly cascade: CascadePass | undefined;
  /** For a suffix pass: the sums per row that the prefix pass leaves. */
  readonly prefixSums: number;
}

/**
 * Returns a problem's canonical name in a `Tuning`: all facts that may select a tile. With a fixed `numSplits` it has no batch
 * size, length or head count, which keeps tuned results batch-invariant; with 'auto' it has their size classes.
 */
export function problemKey(facts: ProblemFacts, rows: RowKind): string {
  const fixed = `forward ${kindOf(facts)}`;
  return facts.numSplits === 'auto' ? `${fixed} rows=${rows} ${sizeClass(facts)}` : fixed;
}

/** Returns the canonical name of a problem's backward kernel in a `Tuning`. */
export function gradientKey(facts: ProblemFacts, of: GradientOf): string {
  const fixed = `d${of} ${kindOf(facts)}`;
  return facts.numSplits === 'auto' ? `${fixed} ${sizeClass(facts)}` : fixed;
}

// A compiled mod's hook is named by a hash of its computation, so keys contain no source names or text.
function kindOf(facts: ProblemFacts): string {
  const { dtype, kvDtype, headDim, headDimV, lengths, keys, qHeads, kvHeads, hooks, numSplits } =
    facts;
  const { selectedBlock, listRows, vDtype } = facts;
  const selected = selectedBlock > 0 ? ` selected=${selectedBlock} rows=${listRows}` : '';
  return `q=${dtype} kv=${kvDtype}${vDtype ? ` v=${vDtype}` : ''} d=${headDim} dv=${headDimV} ${lengths} ${keys}${selected} hooks=${hooks.key} group=${qHeads / kvHeads} splits=${numSplits}`;
}

/** Query positions and keys per sequence, and kv heads of all sequences: each rounded up to a power of two. */
function sizeClass({ lengths, batch, kvHeads, seqlenQ, maxSeqlenK }: ProblemFacts): string {
  return `q<=${classOf(rowShapes[lengths].positions(seqlenQ, batch))} k<=${classOf(maxSeqlenK)} heads<=${classOf(batch * kvHeads)}`;
}

function classOf(size: number): number {
  return size > 1 ? 2 ** (32 - Math.clz32(Math.ceil(size) - 1)) : 1;
}
