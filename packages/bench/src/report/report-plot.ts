import * as Plot from '@observablehq/plot';
import { Window } from 'happy-dom';
import type { Report } from '../measure/bench-results.ts';

const svg = 'http://www.w3.org/2000/svg';

interface Dot {
  readonly row: string;
  readonly peer: string;
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly right: boolean;
}

const width = 760;
// The approximate width of a letter on the axis.
const letter = 6;
const blue = '#1f5fa8';

/**
 * Renders a report as an SVG picture: the ratio of each program's time to heed's on a logarithmic axis, one facet per row, with a line
 * from the first to the third quartile. A hollow dot is a wrong result.
 */
export function renderPlot(report: Report): string {
  const dots = dotsOf(report);
  const programs = Object.keys(report.versions).filter((name) => name !== 'heed');
  const height = 90 + report.rows.length * (programs.length + 1) * 24;
  const window = new Window();
  const by = { fy: 'row', y: 'peer' } as const;
  const figure = Plot.plot({
    document: window.document as unknown as Document,
    className: 'bench',
    width,
    height,
    marginLeft: Math.max(90, 20 + letter * Math.max(...programs.map(({ length }) => length))),
    marginRight: 130,
    marginBottom: 55,
    style: { background: 'white', color: 'black' },
    x: {
      type: 'log',
      grid: true,
      insetRight: 45,
      labelOffset: 32,
      label: 'time / heed’s time (hollow: wrong result)',
    },
    y: { label: null, domain: programs },
    fy: { label: null, domain: report.rows.map(({ workload }) => workload.id) },
    marks: [
      Plot.ruleX([1], { stroke: 'black' }),
      Plot.ruleY(dots, { ...by, x1: 'low', x2: 'high', stroke: '#888', strokeWidth: 2 }),
      Plot.dot(dots, {
        ...by,
        x: 'ratio',
        r: 4,
        stroke: blue,
        fill: (dot: Dot) => (dot.right ? blue : 'white'),
      }),
      Plot.text(dots, {
        ...by,
        x: 'high',
        text: (dot: Dot) => `${dot.ratio.toFixed(2)}×`,
        dx: 8,
        textAnchor: 'start',
      }),
    ],
  });
  // An SVG file needs the namespace, which HTML omits.
  figure.setAttribute('xmlns', svg);
  const caption = window.document.createElementNS(svg, 'text');
  const place = report.browser ? `${report.adapter} in ${report.browser}` : report.adapter;
  caption.textContent = `${place}, ${report.date.slice(0, 10)}`;
  for (const [name, value] of Object.entries({
    class: 'made-on',
    x: 8,
    y: height - 8,
    'text-anchor': 'start',
  })) {
    caption.setAttribute(name, String(value));
  }
  figure.append(caption as unknown as Node);
  return `${figure.outerHTML}\n`;
}

function dotsOf({ rows }: Report): Dot[] {
  return rows.flatMap(({ workload, peers }) =>
    peers.flatMap((result) =>
      'skipped' in result || result.ratio === undefined || result.peer === 'heed'
        ? []
        : [
            {
              row: workload.id,
              peer: result.peer,
              ratio: result.ratio.median,
              low: result.ratio.q1,
              high: result.ratio.q3,
              right: result.right,
            },
          ],
    ),
  );
}
