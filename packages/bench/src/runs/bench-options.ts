import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HeedError } from '@heed/core';
import type { Comparison } from '../measure/bench-results.ts';
import { comparisons } from '../comparisons/comparison-list.ts';
import { type Workload, workloads } from '../measure/workloads.ts';

/** The options of the command line. */
export interface Options {
  readonly rows: readonly Workload[];
  readonly comparisons: readonly Comparison[];
  readonly peers: readonly string[];
  /** True to run in a page of Chromium. */
  readonly browser: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly json: boolean;
  readonly out: string;
  /** The stored run to compare with. */
  readonly baseline: string | undefined;
  /** File with the tuning of heed. */
  readonly tuning: string | undefined;
  readonly dryRun: boolean;
  readonly help: boolean;
}

/** Names of the programs in Node and in a page. */
export interface PeerNames {
  readonly node: readonly string[];
  readonly page: readonly string[];
}

/** The text of `npm run … -- --help`, which is printed before anything is installed. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** The command line asks for something impossible; the message names the choices. */
export class UsageError extends Error {}

/**
 * Reports why a command failed, and returns its exit status: 130 if it was interrupted, 2 for a bad command line, 1 for an error of
 * heed.
 * @throws other errors, as they are
 */
export function statusOfFailure(
  error: unknown,
  isInterrupted: boolean,
  progress: (line: string) => void,
): number {
  if (isInterrupted) {
    progress('interrupted');
    return 130;
  }
  if (!(error instanceof UsageError) && !HeedError.is(error)) throw error;
  progress(error.message);
  return error instanceof UsageError ? 2 : 1;
}

/** Reads the command line. Throws an Error that names the flag, the value it got and the values it takes. */
export function parseOptions(args: readonly string[], peerNames: PeerNames): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      all: { type: 'boolean', default: false },
      browser: { type: 'boolean', default: false },
      peers: { type: 'string' },
      rounds: { type: 'string', default: '15' },
      seconds: { type: 'string', default: '10' },
      out: { type: 'string' },
      compare: { type: 'boolean', default: false },
      baseline: { type: 'string' },
      tuning: { type: 'string' },
      json: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { browser } = values;
  const known = [...workloads, ...(browser ? [] : comparisons)];
  const ids = known.map(({ id }) => id);
  const headlines = known.filter(({ headline }) => values.all || headline).map(({ id }) => id);
  const chosen = values.rows === undefined ? headlines : choose('--rows', values.rows, ids);
  const out = values.out ?? (browser ? '.cache/bench/browser' : '.cache/bench');
  return {
    rows: workloads.filter(({ id }) => chosen.includes(id)),
    comparisons: comparisons.filter(({ id }) => chosen.includes(id)),
    peers: choose('--peers', values.peers, browser ? peerNames.page : peerNames.node),
    browser,
    rounds: positiveInteger('--rounds', values.rounds),
    seconds: positiveInteger('--seconds', values.seconds),
    json: values.json,
    out,
    baseline: values.baseline ?? (values.compare ? join(out, 'bench.json') : undefined),
    tuning: values.tuning,
    dryRun: values['dry-run'],
    help: values.help,
  };
}

/** Returns the named choices in the given order, or all of them. */
function choose(flag: string, list: string | undefined, known: readonly string[]): string[] {
  if (list === undefined) return [...known];
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(
      `${flag}: no such name: ${unknown.join(', ')}. Choose from ${known.join(', ')}.`,
    );
  return known.filter((name) => names.includes(name));
}

export function positiveInteger(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${flag}: takes a whole number ≥ 1; got ${text}.`);
  return value;
}
