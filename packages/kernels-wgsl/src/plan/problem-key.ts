import type { RowKind } from '../config/forward.ts';
import type { ProblemFacts } from './problem.ts';

/**
 * A problem's canonical name in a `Tuning`: everything that may decide a tile. With a fixed `numSplits` no batch size and no
 * length is in it, nor a number of heads, which is what keeps results batch-invariant when tuned; with 'auto', their classes are.
 */
export function problemKey(facts: ProblemFacts, rows: RowKind): string {
  const { dtype, kvDtype, headDim, headDimV, lengths, keys, qHeads, kvHeads, hooks, numSplits } =
    facts;
  const fixed = `forward q=${dtype} kv=${kvDtype} d=${headDim} dv=${headDimV} ${lengths} ${keys} hooks=${hooks.key} group=${qHeads / kvHeads} splits=${numSplits}`;
  return numSplits === 'auto' ? `${fixed} rows=${rows} ${sizeClass(facts)}` : fixed;
}

/** Query positions and keys of a sequence, and how many kv heads all sequences have: each up to the next power of two. */
function sizeClass({ lengths, batch, kvHeads, seqlenQ, seqlenK }: ProblemFacts): string {
  const sequences = lengths === 'varlen' ? batch || 1 : 1;
  return `q<=${classOf(seqlenQ / sequences)} k<=${classOf(seqlenK)} heads<=${classOf(batch * kvHeads)}`;
}

function classOf(size: number): number {
  return size > 1 ? 2 ** (32 - Math.clz32(Math.ceil(size) - 1)) : 1;
}
