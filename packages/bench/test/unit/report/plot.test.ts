import { Window } from 'happy-dom';
import { expect, test } from 'vitest';
import { renderPlot } from '../../../src/report/plot.ts';
import { sampleReport } from './sample-report.ts';

const svg = renderPlot(sampleReport);
const parsed = new new Window().DOMParser().parseFromString(svg, 'image/svg+xml');
const circles = [...parsed.querySelectorAll('circle')];

test('a plot is one SVG file that names its adapter', () => {
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  expect(parsed.querySelector('.made-on')?.textContent).toBe('some <adapter> & driver, 2026-11-21');
});

test('a plot names the browser of a page', () => {
  const page = renderPlot({ ...sampleReport, browser: 'Chromium 156.0' });
  expect(page).toContain(' driver in Chromium 156.0, 2026-11-21');
});

test('it has a dot for each program that ran, except heed; the wrong one is hollow', () => {
  expect(circles).toHaveLength(2);
  expect(circles.map((circle) => circle.getAttribute('fill'))).toEqual(['#1f5fa8', 'white']);
  expect(svg).toContain('1.50×');
  expect(svg).toContain('2.25×');
});

test('a slower program lies further to the right', () => {
  const [right = 0, wrong = 0] = circles.map((circle) => Number(circle.getAttribute('cx')));
  expect(wrong).toBeGreaterThan(right);
});
