import type { CostModel } from '../cost/constants.ts';
import { costs, type CostName } from '../cost/constants.ts';
import type { SheetLine } from '../cost/sheet.ts';
import type { CapacityPoint } from '../studies/capacity-curve.ts';
import { delivery, int8BytesPerToken, models } from '../studies/page-delivery.ts';
import type { RunFigures } from '../studies/run-figures.ts';

/** Returns a Markdown table. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;

/** Returns a number with three digits that count, and a unit's prefix above 10⁴. */
export function short(x: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  let [value, at] = [x, 0];
  while (Math.abs(value) >= (at === 0 ? 10_000 : 1000) && at < prefixes.length - 1) {
    value /= 1000;
    at++;
  }
  const text = value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return at === 0 ? text : `${text} ${prefixes[at]!}`;
}

/** A prefix stands before its unit without a space. */
function withUnit(value: number, unit: string): string {
  const text = short(value);
  return /[a-zA-Z]$/.test(text) && /^[a-zA-Z]/.test(unit)
    ? `${text}${unit}`
    : `${text} ${unit}`.trim();
}

export const curveTable = (points: readonly CapacityPoint[]): string =>
  table(
    ['tokens in pages', 'found', 'of the most'],
    points.map(({ tokens, hitRate }) => [
      Number.isFinite(tokens) ? short(tokens) : 'all',
      percent(hitRate),
      percent(hitRate / Math.max(...points.map((point) => point.hitRate))),
    ]),
  );

export const runTable = (runs: readonly RunFigures[]): string =>
  table(
    ['run', 'found', 'loaded', 'first token p50 / p90 / p99', 'busiest', 'answered', 'retried'],
    runs.map((run) => [
      run.name,
      percent(run.hitRate),
      percent(run.loadedRate),
      `${run.firstToken.map((seconds) => seconds.toFixed(2)).join(' / ')} s`,
      `${run.busiest.toFixed(2)} ×`,
      run.refused === 0 ? String(run.answered) : `${run.answered}, ${run.refused} refused`,
      String(run.retried),
    ]),
  );

export const sheetTable = (lines: readonly SheetLine[]): string =>
  table(
    ['', 'value', 'origin', 'from'],
    lines.map(({ name, value, unit, origin, source }) => {
      return [name, withUnit(value, unit), origin, source];
    }),
  );

/** Lists the cost model, and what replaces a constant in it. */
export const costTable = (model: CostModel): string =>
  table(
    ['constant', 'value', 'origin', 'from'],
    (Object.keys(costs) as CostName[]).map((name) => {
      const { value, unit, origin, source } = costs[name];
      const isGiven = model[name] !== value;
      const from = isGiven ? ['assumed', 'given for this run'] : [origin, source];
      return [name, withUnit(model[name], unit), ...from];
    }),
  );

const speeds = [0.5e12, 2e12, 10e12];

/** Lists for which lines pages over HTTP arrive sooner than a device computes them. */
export const deliveryTable = (tokens: number): string =>
  table(
    ['model', 'KiB a token', `MB of ${tokens} tokens`, ...speeds.map((x) => `${x / 1e12} TFLOP/s`)],
    models.map((model) => {
      const { bytes, breakEven } = delivery(model, tokens);
      const lines = speeds.map((speed) => `${short(breakEven(speed) / 1e6)} Mbit/s`);
      const perToken = int8BytesPerToken(model) / 1024;
      return [model.name, perToken.toFixed(1), (bytes / 1e6).toFixed(0), ...lines];
    }),
  );
