import { element, svg } from '../../page/element.ts';

/** A point of a curve: bits per byte after `step` steps. */
interface Point {
  readonly step: number;
  readonly bits: number;
}

/** Weight of the past in the smoothed loss, which varies from batch to batch. */
const SMOOTHING = 0.8;

/** The curves of a run. */
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

/** Drops points from `step` on: after a lost device, a run resumes some steps back. */
function rewind(points: Point[], step: number): void {
  while (points.length > 0 && points.at(-1)!.step >= step) points.pop();
}

/** The chart of the losses with the bigram baseline, and a table of the same numbers. */
interface Chart {
  readonly element: HTMLElement;
  readonly draw: (curves: Curves | undefined) => void;
}

const [WIDTH, HEIGHT] = [640, 300];
const plot = { left: 34, right: WIDTH - 92, top: 12, bottom: HEIGHT - 30 };
/** The loss of a uniform guess, in bits per byte. */
const MOST_BITS = 8;

const x = (step: number, steps: number): number =>
  plot.left + (step / steps) * (plot.right - plot.left);
const y = (bits: number): number =>
  plot.bottom - (Math.min(bits, MOST_BITS) / MOST_BITS) * (plot.bottom - plot.top);

export function createChart(): Chart {
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
  const rows = element('tbody', {});
  const head = ['Step', 'Held-out text', 'Training text'].map((name) =>
    element('th', { scope: 'col' }, name),
  );
  const numbers = element(
    'details',
    { class: 'fine' },
    element('summary', {}, 'The curves in numbers'),
    element('table', {}, element('thead', {}, element('tr', {}, ...head)), rows),
  );
  const figure = element('figure', { class: 'chart' }, picture, numbers);
  return {
    element: figure,
    draw: (curves) => {
      picture.setAttribute('aria-label', describe(curves));
      picture.replaceChildren(...axes(curves), ...(curves ? lines(curves) : []));
      rows.replaceChildren(...(curves ? tableRows(curves) : []));
    },
  };
}

function axes(curves: Curves | undefined): SVGElement[] {
  const levels = [0, 2, 4, 6, 8].flatMap((bits) => [
    svg('line', { class: 'grid', x1: plot.left, x2: plot.right, y1: y(bits), y2: y(bits) }),
    svg('text', { x: plot.left - 6, y: y(bits) + 4, 'text-anchor': 'end' }, String(bits)),
  ]);
  const middle = (plot.left + plot.right) / 2;
  const below = { y: HEIGHT - 8, 'text-anchor': 'middle' };
  return [
    ...levels,
    svg('text', { x: plot.left, ...below }, '0'),
    svg('text', { x: middle, ...below }, 'bits per byte, by step'),
    ...(curves ? [svg('text', { x: plot.right, ...below }, String(curves.steps))] : []),
  ];
}

function lines({ train, heldOut, bigram, steps }: Curves): SVGElement[] {
  const path = (points: readonly Point[]): string =>
    points.map((p) => `${x(p.step, steps).toFixed(1)},${y(p.bits).toFixed(1)}`).join(' ');
  const ends = spread([
    { name: `bigram ${bigram.toFixed(2)}`, kind: 'bigram', bits: bigram },
    ...label('held-out', heldOut),
    ...label('train', train),
  ]);
  return [
    svg('line', {
      class: 'line bigram',
      x1: plot.left,
      x2: plot.right,
      y1: y(bigram),
      y2: y(bigram),
    }),
    svg('polyline', { class: 'line train', points: path(train) }),
    svg('polyline', { class: 'line held-out', points: path(heldOut) }),
    ...heldOut.map((p) =>
      svg('circle', { class: 'held-out', cx: x(p.step, steps), cy: y(p.bits), r: 3 }),
    ),
    ...ends.map(({ name, kind, at }) =>
      svg('text', { class: kind, x: plot.right + 6, y: at + 4 }, name),
    ),
  ];
}

interface Label {
  readonly name: string;
  readonly kind: string;
  readonly bits: number;
}

function label(kind: string, points: readonly Point[]): Label[] {
  const last = points.at(-1);
  return last ? [{ name: `${kind} ${last.bits.toFixed(2)}`, kind, bits: last.bits }] : [];
}

/** Positions the labels at the ends of their lines, without overlap. */
function spread(labels: readonly Label[]): (Label & { readonly at: number })[] {
  let lowest = -Infinity;
  return labels
    .toSorted((a, b) => b.bits - a.bits)
    .map((each) => {
      lowest = Math.max(y(each.bits), lowest + 15);
      return { ...each, at: lowest };
    });
}

function describe(curves: Curves | undefined): string {
  const last = curves?.heldOut.at(-1);
  if (!curves || !last) return 'Loss by step: nothing yet';
  const { bigram, steps } = curves;
  return (
    `Loss by step, in bits per byte: after ${last.step} of ${steps} steps, held-out text costs ${last.bits.toFixed(2)}; ` +
    `the bigram baseline is ${bigram.toFixed(2)}`
  );
}

function tableRows({ heldOut, train }: Curves): HTMLElement[] {
  return heldOut.map(({ step, bits }) => {
    const beside = train.find((point) => point.step === step);
    const cells = [String(step), bits.toFixed(3), beside?.bits.toFixed(3) ?? '–'];
    return element('tr', {}, ...cells.map((text) => element('td', {}, text)));
  });
}
