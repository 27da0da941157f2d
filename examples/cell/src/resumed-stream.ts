/** An event of a stream of completions, as a worker sends it. */
interface Chunk {
  readonly id?: string;
  readonly created?: number;
  readonly choices?: readonly {
    readonly index: number;
    readonly text?: string;
    readonly delta?: { readonly role?: string; readonly content?: string };
    readonly finish_reason?: string | null;
  }[];
  readonly error?: unknown;
}

/** What a second worker sends differs from what the client already has. */
export class DifferentAnswerError extends Error {}

/**
 * The stream that a client reads, over all attempts: a worker that takes over sends its answer from the start, and what the client
 * already has is compared and left out.
 */
export class ResumedStream {
  /** The text that the client has of each answer. */
  readonly #sent = new Map<number, string>();
  readonly #ended = new Set<number>();
  #seen = new Map<number, string>();
  #head: { readonly id: unknown; readonly created: unknown } | undefined;

  /** A worker begins to send the answer from its start. */
  begin(): void {
    this.#seen = new Map();
  }

  /**
   * Returns what the client gets of an event: undefined if it has all of it.
   * @throws DifferentAnswerError text that is not what the client has
   */
  next(event: string): string | undefined {
    if (event === '[DONE]') return event;
    const chunk = JSON.parse(event) as Chunk;
    if (chunk.error !== undefined) throw new Error('the worker ended the stream');
    this.#head ??= { id: chunk.id, created: chunk.created };
    const choices = (chunk.choices ?? []).flatMap((choice) => this.#rest(choice) ?? []);
    // Chunks without choices tell the usage.
    if (choices.length === 0 && chunk.choices?.length !== 0) return undefined;
    return JSON.stringify({ ...chunk, ...this.#head, choices });
  }

  #rest(choice: NonNullable<Chunk['choices']>[number]): typeof choice | undefined {
    const { index, delta } = choice;
    const piece = (delta ? delta.content : choice.text) ?? '';
    const had = this.#sent.get(index);
    const seen = (this.#seen.get(index) ?? '') + piece;
    this.#seen.set(index, seen);
    if (had !== undefined && !(had.startsWith(seen) || seen.startsWith(had))) {
      throw new DifferentAnswerError('another worker gives another answer to this request');
    }
    const isNew = had === undefined || seen.length > had.length;
    const ends = typeof choice.finish_reason === 'string' && !this.#ended.has(index);
    if (ends) this.#ended.add(index);
    if (!isNew && !ends) return undefined;
    const rest = seen.slice(had?.length ?? 0);
    if (isNew) this.#sent.set(index, seen);
    if (rest === piece) return choice;
    return delta ? { ...choice, delta: { ...delta, content: rest } } : { ...choice, text: rest };
  }
}
