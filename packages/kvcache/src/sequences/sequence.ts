import { checkTokens, fail, show } from '../checks.ts';
import type { CacheCore } from '../core.ts';
import { isEven, lengthOf, type SequenceState } from './state.ts';

const owners = new WeakMap<KvSequence, { core: CacheCore; state: SequenceState }>();

/** One sequence of tokens in a cache. Made by `cache.open()` and `fork()`; it holds its pages until it is closed. */
export class KvSequence implements Disposable {
  /** Unique in its cache. */
  readonly id: number;

  /** @internal */
  constructor(core: CacheCore, state: SequenceState) {
    this.id = state.id;
    owners.set(this, { core, state });
  }

  /** Tokens that every layer has: those found by `open`, and those appended since. */
  get length(): number {
    return lengthOf(partsOf(this).state);
  }

  /** Tokens that `open` found: their keys and values need not be computed. */
  get cachedTokens(): number {
    return partsOf(this).state.cachedTokens;
  }

  /**
   * Names the next tokens after the last committed one, so that `open` finds their full pages. A prompt is committed like
   * generated tokens are; tokens that `open` found are committed already.
   *
   * @throws ValidationError more tokens than were appended; a step that some layers have not seen; a shared page that was
   * committed with other tokens; tokens that are not whole numbers from 0 to 2³² − 1
   */
  commit(tokens: ArrayLike<number>): void {
    const fn = 'sequence.commit';
    const { core, state } = openParts(fn, this);
    checkTokens(fn, tokens);
    core.ledger.commit(fn, state, tokens);
    core.events.deliver();
  }

  /**
   * A second sequence with the same tokens. Both share all pages; the last one is copied when either appends to it.
   *
   * @throws ValidationError a step that some layers have not seen
   */
  fork(): KvSequence {
    const fn = 'sequence.fork';
    const { core, state } = openParts(fn, this);
    if (!isEven(state)) {
      const got = `counts ${[...state.counts].join(', ')}`;
      fail(
        fn,
        'all layers must have the same tokens',
        got,
        'Append to the remaining layers first.',
      );
    }
    return new KvSequence(core, core.ledger.fork(state));
  }

  /**
   * Forgets all tokens from `length` on: the rejected part of a speculative step, for one. Committed tokens among them stay
   * findable by others while their pages last.
   *
   * @throws ValidationError longer than the sequence; a step that some layers have not seen; a window has released keys that
   * the next query would see
   */
  truncate(length: number): void {
    const fn = 'sequence.truncate';
    const { core, state } = openParts(fn, this);
    core.blank(core.ledger.truncate(fn, state, length));
  }

  /** Gives the pages back. Committed ones stay findable until their memory is needed. May be called twice. */
  close(): void {
    const { core, state } = partsOf(this);
    if (state.isOpen && !core.isDisposed) core.blank(core.ledger.close(state));
  }

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
