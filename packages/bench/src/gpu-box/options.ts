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

export const usage = `npm run bench:gpu -- [options]

Checks heed on this machine's adapter and measures it beside PyTorch on the same card.

  --size NAME        smallest, cpu or gpu (default: what fits the adapter)
  --cases a,b        only cases whose id contains one of these
  --no-conformance   measure only
  --peer DEVICE      cuda (default), cpu (to try the script), or none
  --python FILE      the Python that has torch (default: python3)
  --out DIR          where gpu-box.json and gpu-box.md go (default: .cache/gpu-box)
`;

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
