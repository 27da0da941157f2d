/** Sequences of a view whose block tables begin with the same pages. */
export interface PrefixGroup {
  /** Indices of the sequences in the view, ascending; at least two. */
  readonly members: readonly number[];
  /** Number of those pages. */
  readonly pages: number;
}

/** The disjoint groups of sequences of a view that share their first pages: what `PagedKvView.cascade` holds. */
export class SharedPrefixes {
  readonly groups: readonly PrefixGroup[];

  constructor(groups: readonly PrefixGroup[]) {
    this.groups = groups;
  }
}
