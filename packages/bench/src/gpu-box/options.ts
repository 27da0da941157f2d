import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { scales, type Size } from './sizes.ts';

/** What the command line asks for. */
export interface BoxOptions {
  /** Default: what fits the adapter. */
  readonly size: Size | undefined;
  /** Parts of the ids of cases; all when absent. */
  readonly cases: readonly string[] | undefined;
  readonly conformance: boolean;
  /** The device that PyTorch computes on. */
  readonly peer: 'cuda' | 'cpu' | 'none';
  readonly python: string;
  readonly out: string;
  readonly help: boolean;
}

/** The same text answers `npm run … -- --help`, before anything is installed. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Reads the command line. Throws an Error that names the flag, what it got and what it takes. */
export function parseBoxOptions(args: readonly string[]): BoxOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string' },
      cases: { type: 'string' },
      conformance: { type: 'boolean', default: true },
      peer: { type: 'string', default: 'cuda' },
      python: { type: 'string', default: 'python3' },
      out: { type: 'string', default: '.cache/gpu-box' },
      help: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  return {
    size: values.size === undefined ? undefined : oneOf('--size', values.size, sizes),
    cases: values.cases?.split(',').map((part) => part.trim()),
    conformance: values.conformance,
    peer: oneOf('--peer', values.peer, ['cuda', 'cpu', 'none'] as const),
    python: values.python,
    out: values.out,
    help: values.help,
  };
}

const sizes = Object.keys(scales) as Size[];

function oneOf<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((name) => name === text);
  if (found === undefined) throw new Error(`${flag}: takes ${known.join(', ')}; got ${text}.`);
  return found;
}
