import { copyOf, fail, show } from '@heed/core/kernel';
import { checkTokens } from '../pages/whole-numbers.ts';
import type { CacheCore } from './cache-core.ts';
import { checkEven, lengthOf, type SequenceState } from '../sequences/sequence-state.ts';

const owners = new WeakMap<KvSequence, { core: CacheCore; state: SequenceState }>();

/**
 * One sequence of tokens in a cache. Made by `cache.open()` and `fork()`; it holds its pages until it is closed. Once closed it
 * refuses all but `close`, `length`, `cachedTokens` and `pages`.
 *
 * @example
 * const other = sequence.fork(); // two ways to go on
 * cache.append(0, [sequence, other], k, v); // one row each: the shared last page is copied for one of them
 * sequence.commit([7]);
 * other.commit([8]);
 * other.truncate(other.length - 1); // as if it had never been read
 * other.close();
 */
export class KvSequence implements Disposable {
  /** Unique in its cache. */
  readonly id: number;

  /** @internal */
  constructor(core: CacheCore, state: SequenceState) {
    this.id = state.id;
    owners.set(this, { core, state });
  }

  /** Tokens that every layer has: those found by `open`, and those appended since. The position of the next token. */
  get length(): number {
    return lengthOf(partsOf(this).state);
  }

  /** Tokens that `open` found: their keys and values need not be computed. */
  get cachedTokens(): number {
    return partsOf(this).state.cachedTokens;
  }

  /**
   * Its physical pages in logical order, known without a readback: token i of the layer that is furthest ahead lies in page
   * `pages[Math.floor(i / pageSize)]`, row i mod pageSize, of that layer's pools. As in a view's block table, a page that a
   * window has released is 0. A copy of what is so now; none once the sequence is closed.
   *
   * @example
   * const shared = sequence.pages.filter((page) => other.pages.includes(page)); // held once, read by both
   */
  get pages(): readonly number[] {
    return [...partsOf(this).state.table.entries];
  }

  /**
   * Names the next tokens after the last committed one, so that `open` finds their full pages. A prompt is committed like
   * generated tokens are; tokens that `open` found are committed already.
   *
   * @throws ValidationError more tokens than were appended; a step that some layers have not seen; a shared page that was
   * committed with other tokens; tokens that are not whole numbers from 0 to 2³² − 1; a closed sequence
   */
  commit(tokens: ArrayLike<number>): void {
    const fn = 'sequence.commit';
    const { core, state } = openParts(fn, this);
    const list = copyOf(tokens);
    checkTokens(fn, list);
    core.ledger.commit(fn, state, list);
    core.events.deliver();
  }

  /**
   * A second sequence with the same tokens, committed as far. Both share all pages, so it takes no memory; a last page that is
   * not full is copied when either appends to it.
   *
   * Source: copy-on-write of vLLM's PagedAttention (arXiv 2309.06180, section 4.4).
   *
   * @throws ValidationError a step that some layers have not seen; a closed sequence
   */
  fork(): KvSequence {
    const fn = 'sequence.fork';
    const { core, state } = openParts(fn, this);
    checkEven(fn, state);
    return new KvSequence(core, core.ledger.fork(state));
  }

  /**
   * Forgets all tokens from `length` on: the rejected part of a speculative step, for one. Committed tokens among them stay
   * findable by others while their pages last.
   *
   * @param length tokens to keep, 0 to `this.length`
   * @throws ValidationError longer than the sequence; a step that some layers have not seen; a window has released keys that
   * the next query would see; a closed sequence
   */
  truncate(length: number): void {
    const fn = 'sequence.truncate';
    const { core, state } = openParts(fn, this);
    core.blank(core.ledger.truncate(fn, state, length));
  }

  /** Gives the pages back. Committed ones stay findable until their memory is needed. May be called twice; also `using`. */
  close(): void {
    const { core, state } = partsOf(this);
    if (!state.isOpen || core.isDisposed) return;
    const blanked = core.ledger.close(state);
    if (core.isUsable) core.blank(blanked);
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

type Parts = NonNullable<ReturnType<(typeof owners)['get']>>;

const partsOf = (sequence: KvSequence): Parts => owners.get(sequence)!;

function openParts(fn: string, sequence: KvSequence): Parts {
  const parts = partsOf(sequence);
  parts.core.assertUsable(fn);
  if (!parts.state.isOpen) {
    fail(
      fn,
      'the sequence must be open',
      `sequence ${sequence.id}, closed`,
      'Open or fork another.',
    );
  }
  return parts;
}

/** The states of sequences that were passed to a cache. */
export function statesOf(
  fn: string,
  core: CacheCore,
  sequences: readonly KvSequence[],
): SequenceState[] {
  if (!Array.isArray(sequences)) {
    fail(fn, 'seqs must be an array of sequences', show(sequences), 'Pass [sequence, …].');
  }
  const states = sequences.map((sequence, i) => {
    const parts = owners.get(sequence);
    if (parts?.core !== core) {
      const fix = 'Pass what open() or fork() of this cache returned.';
      fail(fn, `seqs[${i}] must be a sequence of this cache`, show(sequence), fix);
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
