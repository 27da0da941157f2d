import * as Plot from '@observablehq/plot';
import { Window } from 'happy-dom';
import type { CellRun } from '../cell/cell.ts';
import type { CapacityPoint } from '../studies/capacity-curve.ts';

const size = { width: 720, height: 420, marginLeft: 60, marginBottom: 45 };
const style = { background: 'white', color: 'black' };

/** Renders a plot as the text of an SVG file. */
function svgOf(options: Plot.PlotOptions): string {
  const { document } = new Window();
  const figure = Plot.plot({ ...size, ...options, style, document: document as never });
  // A plot with a legend is a figure around the picture.
  const picture = figure.tagName.toLowerCase() === 'svg' ? figure : figure.querySelector('svg')!;
  picture.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${picture.outerHTML}\n`;
}

/** Draws the share of prompt tokens found by the size of the pages, a line for each trace. */
export function curvePlot(curves: Readonly<Record<string, readonly CapacityPoint[]>>): string {
  const points = Object.entries(curves).flatMap(([trace, all]) =>
    all
      .filter(({ tokens }) => Number.isFinite(tokens))
      .map(({ tokens, hitRate }) => ({ trace, tokens, found: 100 * hitRate })),
  );
  const ends = Object.keys(curves).map((trace) => points.findLast((p) => p.trace === trace)!);
  const xy = { x: 'tokens', y: 'found' } as const;
  return svgOf({
    marginRight: 110,
    x: { type: 'log', grid: true, label: 'tokens in pages' },
    y: { grid: true, zero: true, label: 'prompt tokens found, %' },
    marks: [
      Plot.line(points, { ...xy, z: 'trace', stroke: '#1f5fa8' }),
      Plot.dot(points, { ...xy, fill: '#1f5fa8', r: 3 }),
      Plot.text(ends, { ...xy, text: 'trace', dx: 8, textAnchor: 'start' }),
    ],
  });
}

const colours = ['#1f5fa8', '#d1495b', '#2f9e6e', '#e69f00', '#7a5195', '#555555'];

/** Draws which share of requests has its first token after how many seconds, a line for each run. */
export function firstTokenPlot(runs: Readonly<Record<string, CellRun>>): string {
  const names = Object.keys(runs);
  const points = names.flatMap((name) => {
    const times = Float64Array.from(
      runs[name]!.outcomes,
      ({ firstToken }) => firstToken,
    ).toSorted();
    return Array.from({ length: 200 }, (_, i) => {
      const share = (i + 0.5) / 200;
      return { name, share: 100 * share, seconds: times[Math.floor(share * times.length)]! };
    });
  });
  const colour = (name: string): string => colours[names.indexOf(name) % colours.length]!;
  const labels = names.map((name, i) => ({ name, share: 8 + 6 * i }));
  const most = Math.max(...points.map(({ seconds }) => seconds));
  return svgOf({
    x: { type: 'log', grid: true, label: 'seconds to the first token' },
    y: { grid: true, domain: [0, 100], label: 'requests, %' },
    marks: [
      Plot.line(points, {
        x: 'seconds',
        y: 'share',
        z: 'name',
        stroke: ({ name }: { name: string }) => colour(name),
      }),
      Plot.text(labels, {
        x: () => most,
        y: 'share',
        text: 'name',
        textAnchor: 'end',
        fill: ({ name }: { name: string }) => colour(name),
      }),
    ],
  });
}
