import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CostModel, costModel, type CostName, costs } from './cost/constants.ts';

const studies = ['curve', 'policies', 'faults', 'users', 'delivery'] as const;

type Study = (typeof studies)[number];

/** The options of the command line. */
export interface SimOptions {
  /** Undefined with `--help` or `--costs`. */
  readonly study: Study | undefined;
  /** Files; only `curve` takes several. */
  readonly traces: readonly string[];
  readonly workers: number;
  readonly workerTokens: number;
  readonly storeTokens: number;
  readonly rate: number;
  readonly rateError: number;
  readonly costs: CostModel;
  readonly json: string | undefined;
  readonly plot: string | undefined;
  readonly help: boolean;
  readonly showCosts: boolean;
}

/** The text of `npm run sim -- --help`. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Reads the command line. Throws an Error that names the flag, the value it got and the values it takes. */
export function parseOptions(args: readonly string[]): SimOptions {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      trace: { ...text, multiple: true, default: [] },
      workers: { ...text, default: '10' },
      'worker-tokens': { ...text, default: '3e6' },
      'store-tokens': { ...text, default: '0' },
      rate: { ...text, default: '1' },
      'rate-error': { ...text, default: '0' },
      cost: { ...text, multiple: true, default: [] },
      costs: { type: 'boolean', default: false },
      json: text,
      plot: text,
      help: { type: 'boolean', default: false },
    },
  });
  const study = studyOf(positionals, values.help || values.costs);
  return {
    study,
    traces: tracesOf(study, values.trace),
    workers: number('--workers', values.workers, { from: 1, whole: true }),
    workerTokens: number('--worker-tokens', values['worker-tokens'], { from: 1 }),
    storeTokens: number('--store-tokens', values['store-tokens'], { from: 0 }),
    rate: number('--rate', values.rate, { from: 0.001 }),
    rateError: number('--rate-error', values['rate-error'], { from: 0, to: 0.99 }),
    costs: costModel(Object.fromEntries(values.cost.map(costOf))),
    json: values.json,
    plot: values.plot,
    help: values.help,
    showCosts: values.costs,
  };
}

function studyOf(names: readonly string[], mayLack: boolean): Study | undefined {
  const [name, ...others] = names;
  if (name === undefined && mayLack) return undefined;
  const study = studies.find((known) => known === name);
  if (study && others.length === 0) return study;
  throw new Error(`give one study of ${studies.join(', ')}; got ${names.join(' ') || 'none'}.`);
}

function tracesOf(study: Study | undefined, files: readonly string[]): readonly string[] {
  if (files.length <= 1 || study === 'curve') return files;
  throw new Error(`--trace: ${study} takes one trace; got ${files.join(', ')}.`);
}

function number(
  flag: string,
  text: string,
  { from, to = Infinity, whole = false }: { from: number; to?: number; whole?: boolean },
): number {
  const value = Number(text);
  if (value >= from && value <= to && (!whole || Number.isInteger(value))) return value;
  const most = to === Infinity ? 'on' : `to ${to}`;
  throw new Error(
    `${flag}: takes a ${whole ? 'whole ' : ''}number from ${from} ${most}; got ${text}.`,
  );
}

function costOf(text: string): [CostName, number] {
  const [name, value] = text.split('=', 2) as [string, string | undefined];
  if (!Object.hasOwn(costs, name)) {
    throw new Error(`--cost: names are ${Object.keys(costs).join(', ')}; got ${name}.`);
  }
  if (value === undefined || value === '') {
    throw new Error(`--cost ${name}: takes a number from 0 on; got ${value ?? ''}.`);
  }
  return [name as CostName, number(`--cost ${name}`, value, { from: 0 })];
}
