import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { forcedPaths, type TilePath } from '@heed/kernels-wgsl/variant';
import { type EngineName, engineNames } from '../engines/engine-process.ts';
import { type FloatDType, floatDTypes } from '../reference/number-types.ts';
import type { Selection } from '../run/select-cases.ts';

/** The command line, parsed. */
export interface Command {
  readonly help: boolean;
  readonly list: boolean;
  readonly updateManifest: boolean;
  readonly verbose: boolean;
  readonly selection: Selection;
  /** File for the JSON report; '-' is standard output. */
  readonly json: string | undefined;
  /** File of a stored JSON report, whose outputs this run's are compared with. */
  readonly compare: string | undefined;
  /** A device with no features and no raised limits. */
  readonly minimal: boolean;
  readonly path: TilePath | undefined;
  /** The engine that runs the cases; default this process. */
  readonly engine: EngineName | undefined;
}

/** The usage text. `npm run … -- --help` prints the same file before anything is installed. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Parses the command line. Returns `error` for an unknown or wrong argument. */
export function parseCommand(args: readonly string[]): Command | { readonly error: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        list: { type: 'boolean', default: false },
        'update-manifest': { type: 'boolean', default: false },
        verbose: { type: 'boolean', short: 'v', default: false },
        filter: { type: 'string', multiple: true },
        tier: { type: 'string', default: 'quick' },
        dtype: { type: 'string' },
        tag: { type: 'string' },
        json: { type: 'string' },
        compare: { type: 'string' },
        minimal: { type: 'boolean', default: false },
        path: { type: 'string' },
        engine: { type: 'string' },
      },
    });
    const { filter, tag } = values;
    const dtype = oneOf<FloatDType>('dtype', values.dtype, floatDTypes);
    return {
      help: values.help,
      list: values.list,
      updateManifest: values['update-manifest'],
      verbose: values.verbose,
      selection: {
        ...(filter && { filter }),
        tier: oneOf('tier', values.tier, ['quick', 'full'] as const) ?? 'quick',
        ...(dtype && { dtype }),
        ...(tag !== undefined && { tag }),
      },
      json: values.json,
      compare: values.compare,
      minimal: values.minimal,
      path: oneOf<TilePath>('path', values.path, forcedPaths),
      engine: oneOf<EngineName>('engine', values.engine, engineNames),
    };
  } catch (error) {
    return { error: `conformance: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function oneOf<T extends string>(
  name: string,
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((x) => x === value);
  if (found === undefined)
    throw new Error(`--${name} is one of ${allowed.join(', ')}; got ${value}`);
  return found;
}
