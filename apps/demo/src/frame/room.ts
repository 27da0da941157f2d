/** A part of the page with a link of its own. */
export interface Room {
  /** As in the address: `#explore`. */
  readonly id: string;
  readonly title: string;
  /**
   * Called when the room is first entered, with the empty section to fill. Gives back what to do with the rest of the
   * address (`#explore=…`), then and whenever it changes.
   */
  readonly enter: (section: HTMLElement) => (payload: string) => void;
}
