/** A point of a curve: bits per byte after so many steps. */
export interface Point {
  readonly step: number;
  readonly bits: number;
}

/** Each batch has other text, so that its loss jumps. */
const SMOOTHING = 0.8;

/** What the chart shows of a run. */
export class Curves {
  readonly steps: number;
  readonly bigram: number;
  /** The loss of each batch, smoothed. */
  readonly train: Point[] = [];
  readonly heldOut: Point[] = [];

  constructor(steps: number, bigram: number) {
    this.steps = steps;
    this.bigram = bigram;
  }

  addTrain({ step, bits }: Point): void {
    rewind(this.train, step);
    const last = this.train.at(-1);
    const smooth = last ? SMOOTHING * last.bits + (1 - SMOOTHING) * bits : bits;
    this.train.push({ step, bits: smooth });
  }

  addHeldOut(point: Point): void {
    rewind(this.heldOut, point.step);
    this.heldOut.push(point);
  }
}

/** A run that lost its device goes on from what was kept, some steps back. */
function rewind(points: Point[], step: number): void {
  while (points.length > 0 && points.at(-1)!.step >= step) points.pop();
}
