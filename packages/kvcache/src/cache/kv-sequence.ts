import { copyOf, fail, type NamesOf, readOptions, show } from '@heed/core/kernel';
import type { TokenIds } from '../pages/token-ids.ts';
import { checkTokens } from '../pages/whole-numbers.ts';
import { positionAt } from '../sequences/row-positions.ts';
import { checkEven, lengthOf, type SequenceState } from '../sequences/sequence-state.ts';
import type { CacheCore } from './cache-core.ts';

/** Options of `keep`. */
export interface KeepOptions {
  /**
   * Rows before this one stay, and those from it on must be uncommitted: a draft. Positions close up, so that the kept rows are the
   * sequence's next tokens. Without it, rows are dropped anywhere, and every other row keeps its position.
   */
  readonly from?: number;
}

export const keepNames: NamesOf<KeepOptions> = { from: 1 };

/**
 * One sequence of tokens in a cache, made by `cache.open()` or `fork()`. It holds its pages until it is closed. A closed sequence
 * refuses everything but `close`, `id`, `length`, `nextPosition`, `cachedTokens` and `pages`.
 *
 * @example
 * const other = sequence.fork(); // two continuations of one prefix
 * cache.append(0, [sequence, other], k, v); // one row each: the shared last page is copied for one of them
 * sequence.commit([7]);
 * other.commit([8]);
 * other.truncate(other.length - 1); // drops the last token again
 * other.close();
 */
export interface KvSequence extends Disposable {
  /** Unique in its cache. */
  readonly id: number;

  /** Tokens that every layer holds, found by `open` or appended since, without those that `keep` has dropped. */
  readonly length: number;

  /**
   * The position of the next token, where `append`'s rotary starts: `length`, and the number of rows that `keep` without `from` has
   * dropped. After a `truncate` it is the position that row `length` had.
   */
  readonly nextPosition: number;

  /** Tokens that `open` found: their keys and values need not be computed. */
  readonly cachedTokens: number;

  /**
   * The physical pages in logical order, known without a readback: token i of the layer that is furthest ahead is in page
   * `pages[Math.floor(i / pageSize)]`, row i mod pageSize, of that layer's pools. As in a view's block table, a page that a
   * window has released is 0. With `groups`, they are those of the first layer of the first group without a window. Each read returns
   * a new array; it is empty once the sequence is closed.
   *
   * @example
   * const shared = sequence.pages.filter((page) => other.pages.includes(page)); // stored once, read by both
   */
  readonly pages: readonly number[];

  /**
   * Names the next tokens after the last committed one, so that `open` finds their full pages. Prompts and generated tokens are
   * committed alike; tokens that `open` found are committed already.
   *
   * @throws ValidationError more tokens than were appended; a step that some layers have not seen; a shared page that was
   * committed with other tokens; tokens that are not whole numbers from 0 to 2³² − 1; a closed sequence
   */
  commit(tokens: TokenIds): void;

  /**
   * Returns a second sequence with the same tokens, committed as far. Both share all pages, so a fork takes no memory; a partly
   * filled last page is copied when either sequence appends to it.
   *
   * Source: copy-on-write of vLLM's PagedAttention (arXiv 2309.06180, section 4.4).
   *
   * @throws ValidationError a step that some layers have not seen; a closed sequence
   */
  fork(): KvSequence;

  /**
   * Forgets all tokens from `length` on, such as the rejected part of a speculative step. Committed tokens among them stay
   * findable by other sequences until their pages are reused.
   *
   * @param length tokens to keep, 0 to `this.length`
   * @throws ValidationError longer than the sequence; a step that some layers have not seen; a window has released keys that
   * the next query would see; a closed sequence
   */
  truncate(length: number): void;

  /**
   * Drops rows: those before `from` stay, and of the others those in `rows`, which move together, bit for bit, in all layers. `length`,
   * causal masks, windows and mods then count the rows that are left. Keys keep the rotation that they were stored with. A page that
   * other sequences or cached prefixes need is copied first. If all rows are kept, nothing happens.
   *
   * With `from`: the accepted path of a draft tree. Without it: eviction by importance. `nextPosition` stays then, and the sequence is
   * private from then on: it cannot be committed, `save` passes it by, its pages behind the first dropped row are no longer
   * found, and its forks are private, too.
   *
   * Source: H2O (arXiv 2306.14048) and SnapKV (arXiv 2404.14469), which keep a list for each head; here one list serves all.
   *
   * @param rows the rows to keep, from `from` (default 0) to `this.length` − 1, ascending
   * @throws ValidationError a list that does not ascend; with `from`, committed rows from there on; a dropped row before one that a
   * window has released; a step that some layers have not seen; a closed sequence
   * @throws CapacityError too few pages are free or cached for copies of shared ones
   *
   * @example
   * const from = sequence.length; // a tree of four drafted tokens: two children of the root, two more of the first
   * const positions = Int32Array.of(0, 0, 1, 1).map((depth) => sequence.nextPosition + depth);
   * cache.append(0, [sequence], k, v, { rotary: { cos, sin, positions } });
   * sequence.keep([from, from + 3], { from }); // the first child, and its second
   */
  keep(rows: ArrayLike<number> | BigInt64Array, options?: KeepOptions): void;

  /** Gives the pages back. Committed pages stay findable until their memory is needed. May be called twice; also `using`. */
  close(): void;
}

const owners = new WeakMap<KvSequence, { core: CacheCore; state: SequenceState }>();

/** Returns the public face of a sequence's state. */
export function sequenceOf(core: CacheCore, state: SequenceState): KvSequence {
  return new OwnedSequence(core, state);
}

class OwnedSequence implements KvSequence {
  readonly id: number;

  constructor(core: CacheCore, state: SequenceState) {
    this.id = state.id;
    owners.set(this, { core, state });
  }

  get length(): number {
    return lengthOf(partsOf(this).state);
  }

  get nextPosition(): number {
    const { state } = partsOf(this);
    return positionAt(state.positions, lengthOf(state));
  }

  get cachedTokens(): number {
    return partsOf(this).state.cachedTokens;
  }

  get pages(): readonly number[] {
    return tableOf(partsOf(this));
  }

  commit(tokens: TokenIds): void {
    const fn = 'sequence.commit';
    const { core, state } = openParts(fn, this);
    core.ledger.commit(fn, state, checkTokens(fn, copyOf(tokens)));
    core.events.deliver();
  }

  fork(): KvSequence {
    const fn = 'sequence.fork';
    const { core, state } = openParts(fn, this);
    checkEven(fn, state);
    return sequenceOf(core, core.ledger.fork(state));
  }

  truncate(length: number): void {
    const fn = 'sequence.truncate';
    const { core, state } = openParts(fn, this);
    core.poison(core.ledger.truncate(fn, state, length));
  }

  keep(rows: ArrayLike<number> | BigInt64Array, options?: KeepOptions): void {
    const fn = 'sequence.keep';
    const { core, state } = openParts(fn, this);
    const { from } = readOptions(fn, options, keepNames);
    const moves = core.ledger.keepRows(fn, state, copyOf(rows), from);
    if (!moves) return;
    core.keep(moves);
    core.events.deliver();
  }

  close(): void {
    const { core, state } = partsOf(this);
    if (!state.isOpen || core.isDisposed) return;
    const freed = core.ledger.close(state);
    if (core.isUsable) core.poison(freed);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Returns the pages that events tell, too. */
function tableOf({ core, state }: Parts): number[] {
  return [...state.tables[core.ledger.told]!.runs[0]!.entries];
}

type Parts = NonNullable<ReturnType<(typeof owners)['get']>>;

const partsOf = (sequence: KvSequence): Parts => owners.get(sequence)!;

function openParts(fn: string, sequence: KvSequence): Parts {
  const parts = partsOf(sequence);
  parts.core.assertUsable(fn);
  if (!parts.state.isOpen) {
    const got = `sequence ${sequence.id}, closed`;
    fail(fn, 'the sequence must be open', got, 'Open or fork another.');
  }
  return parts;
}

/**
 * Returns the states of sequences that were passed to a cache.
 * @throws ValidationError not an array, a sequence of another cache, a closed one, or one named twice
 */
export function statesOf(
  fn: string,
  core: CacheCore,
  sequences: readonly KvSequence[],
): SequenceState[] {
  if (!Array.isArray(sequences)) {
    const isOne = owners.has(sequences as unknown as KvSequence);
    const got = isOne ? 'one sequence' : show(sequences);
    fail(fn, 'seqs must be an array of sequences', got, 'Pass [sequence, …].');
  }
  const states = sequences.map((sequence, i) => {
    const parts = owners.get(sequence);
    if (parts?.core !== core) {
      const fix = 'Pass sequences that open() or fork() of this cache returned.';
      const got = parts ? `sequence ${sequence.id} of another cache` : show(sequence);
      fail(fn, `seqs[${i}] must be a sequence of this cache`, got, fix);
    }
    if (!parts.state.isOpen) {
      const fix = 'Leave it out.';
      fail(fn, `seqs[${i}] must be open`, `sequence ${parts.state.id}, closed`, fix);
    }
    return parts.state;
  });
  if (new Set(states).size < states.length) {
    const ids = states.map(({ id }) => id).join(', ');
    fail(fn, 'seqs must differ from one another', `sequences ${ids}`, 'Name each sequence once.');
  }
  return states;
}
