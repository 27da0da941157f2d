/** Where in the editor's text: positions from its start. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

/** What is wrong with the visitor's text, and where. */
export class ProgramError extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}
