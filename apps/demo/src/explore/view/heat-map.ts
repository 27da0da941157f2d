import { element, labelled, select } from '../../frame/element.ts';
import type { Findings } from '../model/run.ts';
import { HEADS, WINDOW } from '../model/problem.ts';
import { heatGradient } from './colour.ts';
import { drawHeat, rangeOf } from './heat-canvas.ts';
import { type Pair, pairCursor } from './pair-cursor.ts';

type Shown = 'scores' | 'weights';
const CELLS = WINDOW * WINDOW;

/** The heat map of 64 × 64 pairs with its heads, its legend and the value under the cursor. */
export interface HeatMap {
  readonly element: HTMLElement;
  readonly head: () => number;
  readonly setHead: (head: number) => void;
  readonly show: (findings: Findings) => void;
}

/** `headChanged` is told when the visitor picks another head. */
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
