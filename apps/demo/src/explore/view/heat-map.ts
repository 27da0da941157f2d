import { element, labelled, select } from '../../page/element.ts';
import type { Findings } from '../model/findings.ts';
import { HEADS, WINDOW } from '../model/sample-problem.ts';

type Shown = 'scores' | 'weights';
const CELLS = WINDOW * WINDOW;

/** The heat map of 64 × 64 pairs with its heads, its legend and the value under the cursor. */
interface HeatMap {
  readonly element: HTMLElement;
  readonly head: () => number;
  readonly setHead: (head: number) => void;
  readonly show: (findings: Findings) => void;
}

/** Creates the heat map; `headChanged` is called when the visitor picks another head. */
export function createHeatMap(headChanged: () => void): HeatMap {
  let findings: Findings | undefined;
  let pair: Pair = { q: 0, kv: 0 };
  const shown = select(
    [
      ['scores', 'Scores after the mods'],
      ['weights', 'Weights after softmax'],
    ],
    'scores',
  );
  const canvas = element('canvas', { 'aria-hidden': 'true' });
  const readout = element('output', { id: 'readout' });
  const legend = element('div', { class: 'legend' });
  const heads = Array.from({ length: HEADS }, (_, h) => headButton(h));
  const head = (): number => heads.findIndex(({ input }) => input.checked);
  const draw = (): void => {
    if (!findings) return;
    const kind = shown.value as Shown;
    const range = rangeOf(findings[kind]);
    const paint = (target: HTMLCanvasElement, h: number): void => {
      const scores = findings!.scores.subarray(h * CELLS, (h + 1) * CELLS);
      const values = findings![kind].subarray(h * CELLS, (h + 1) * CELLS);
      drawHeat(target, values, (i) => scores[i] === -Infinity, range, WINDOW);
    };
    paint(canvas, head());
    for (const [h, { thumbnail }] of heads.entries()) paint(thumbnail, h);
    legend.replaceChildren(
      element('span', {}, short(range.least)),
      element('span', { class: 'scale', style: `background: ${heatGradient}` }),
      element('span', {}, short(range.most)),
      element('span', { class: 'swatch hatched' }),
      element('span', {}, 'hidden'),
    );
    read();
  };
  const read = (): void => {
    if (!findings) return;
    const at = head() * CELLS + pair.q * WINDOW + pair.kv;
    const score = findings.scores[at]!;
    readout.textContent = `q ${pair.q}, kv ${pair.kv}: ${
      score === -Infinity
        ? 'hidden'
        : `score ${score.toFixed(3)}, weight ${findings.weights[at]!.toPrecision(3)}`
    }`;
  };
  const label = 'Heat map: queries down, keys across. Arrow keys move from pair to pair.';
  const board = pairCursor(canvas, WINDOW, label, (next) => {
    pair = next;
    read();
  });
  const choice = element(
    'fieldset',
    { class: 'heads' },
    element('legend', {}, 'Head'),
    ...heads.map(({ label: each }) => each),
  );
  choice.addEventListener('change', () => {
    draw();
    headChanged();
  });
  shown.addEventListener('change', draw);
  return {
    element: element(
      'figure',
      { class: 'heat' },
      element('div', { class: 'row' }, element('h2', {}, 'Pairs'), labelled('Show', shown)),
      board,
      readout,
      legend,
      choice,
    ),
    head,
    setHead: (h) => {
      const chosen = heads[h] ?? heads[0]!;
      chosen.input.checked = true;
      draw();
    },
    show: (next) => {
      findings = next;
      draw();
    },
  };
}

function headButton(h: number): {
  readonly label: HTMLLabelElement;
  readonly input: HTMLInputElement;
  readonly thumbnail: HTMLCanvasElement;
} {
  const input = element('input', { type: 'radio', name: 'head', value: h, checked: h === 0 });
  const thumbnail = element('canvas', { 'aria-hidden': 'true' });
  return {
    label: element('label', {}, input, thumbnail, element('span', {}, String(h))),
    input,
    thumbnail,
  };
}

const short = (x: number): string => String(Number(x.toPrecision(3)));

/** The query and key under the cursor. */
interface Pair {
  readonly q: number;
  readonly kv: number;
}

const steps: Readonly<Record<string, readonly [q: number, kv: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-8, 0],
  PageDown: [8, 0],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

/** Creates a mark on a square picture that the pointer and arrow keys move; `moved` receives each new pair. */
function pairCursor(
  canvas: HTMLElement,
  size: number,
  label: string,
  moved: (pair: Pair) => void,
): HTMLElement {
  const mark = element('div', { class: 'mark', hidden: true });
  const board = element(
    'div',
    { class: 'board', tabindex: 0, role: 'application', 'aria-label': label },
    canvas,
    mark,
  );
  let pair: Pair = { q: 0, kv: 0 };
  const move = (q: number, kv: number): void => {
    pair = { q: within(q, size), kv: within(kv, size) };
    mark.hidden = false;
    mark.style.setProperty('--row', String(pair.q / size));
    mark.style.setProperty('--column', String(pair.kv / size));
    moved(pair);
  };
  board.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(pair.q + step[0], pair.kv + step[1]);
  });
  board.addEventListener('focus', () => move(pair.q, pair.kv));
  board.addEventListener('pointermove', (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    move(
      Math.floor(((event.clientY - top) / height) * size),
      Math.floor(((event.clientX - left) / width) * size),
    );
  });
  return board;
}

const within = (index: number, size: number): number => Math.max(0, Math.min(size - 1, index));

/** The values at the ends of the colour scale. */
interface Range {
  readonly least: number;
  readonly most: number;
}

/** Returns the range of all heads' finite values, so that heads can be compared. */
function rangeOf(values: Float32Array): Range {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return least <= most ? { least, most } : { least: 0, most: 0 };
}

/** Draws size × size values, one pixel each. Hidden pairs stay transparent, over a hatched background. */
function drawHeat(
  canvas: HTMLCanvasElement,
  values: Float32Array,
  hidden: (index: number) => boolean,
  { least, most }: Range,
  size: number,
): void {
  canvas.width = size;
  canvas.height = size;
  const image = new ImageData(size, size);
  const span = most - least || 1;
  for (const [i, value] of values.entries()) {
    if (hidden(i)) continue;
    image.data.set([...heatColour((value - least) / span), 255], 4 * i);
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}

type Colour = readonly [red: number, green: number, blue: number];

// Viridis (van der Walt and Smith 2015): lightness rises evenly, so it is readable without colour vision, on light and dark.
const stops: readonly Colour[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

/** Returns the colour of a share between 0 and 1. */
function heatColour(share: number): Colour {
  const at = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(
      stops[low]![channel] + (stops[low + 1]![channel] - stops[low]![channel]) * (at - low),
    );
  return [mix(0), mix(1), mix(2)];
}

/** The scale as a CSS background, for legends. */
const heatGradient: string = `linear-gradient(to right, ${stops.map((stop) => `rgb(${stop.join(' ')})`).join(', ')})`;
