import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Gpu, openGpu } from '@heed/core';
import { firstLine } from '../measure/first-use.ts';
import { type GpuHost, openGpuHost, packageVersion } from '../measure/gpu-host.ts';
import { measureLimits } from '../measure/roofline.ts';
import { casesOf, scales, type Size, sizeFor } from './box-cases.ts';
import { conformanceOn, subsets } from './box-conformance.ts';
import { heedProgram } from './box-heed.ts';
import {
  type BoxReport,
  type CardLimits,
  type CaseResult,
  isMeasured,
  type NotMeasured,
} from './box-report.ts';
import { openTorch, type Torch } from './box-torch.ts';
import { runCase } from './run-box-case.ts';

/** What the command line asks for. */
export interface BoxOptions {
  /** Default: the size for the adapter. */
  readonly size: Size | undefined;
  /** Parts of the ids of cases; default: all cases. */
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

/** What a run needs beside its options. */
interface BoxContext {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

type Options = Pick<BoxOptions, 'size' | 'cases' | 'conformance' | 'peer' | 'python'>;

/** Checks heed on this machine's adapter, then measures it and PyTorch on the same card. */
export async function runBox(options: Options, context: BoxContext): Promise<BoxReport> {
  const host = await openGpuHost();
  context.progress(`adapter: ${host.adapter}`);
  using gpu = await openMeasured(host);
  const size = options.size ?? sizeFor(gpu);
  const conformance = options.conformance ? await conformanceOn(host, subsets[size], context) : [];
  const torch = await torchOr(options);
  try {
    const limits = await limitsOf(gpu, torch, context);
    const cases = await runCases(options, size, gpu, torch, context);
    return {
      date: new Date().toISOString(),
      adapter: host.adapter,
      node: process.versions.node,
      heed: packageVersion('@heed/kernels-wgsl'),
      size,
      torch: 'versions' in torch ? torch.versions : torch,
      conformance,
      limits,
      cases,
    };
  } finally {
    if ('close' in torch) torch.close();
  }
}

/** Opens the device to measure, with the shipped defaults of its class. */
function openMeasured({ gpu }: GpuHost): Promise<Gpu> {
  return openGpu({ gpu, powerPreference: 'high-performance', label: 'gpu-box' });
}

async function torchOr({ peer, python }: Options): Promise<Torch | NotMeasured> {
  if (peer === 'none') return { notMeasured: 'left out by --peer none' };
  return openTorch({ python, device: peer }).catch((error: unknown) => ({
    notMeasured: firstLine(error),
  }));
}

async function limitsOf(
  gpu: Gpu,
  torch: Torch | NotMeasured,
  { progress }: BoxContext,
): Promise<CardLimits> {
  progress('limits of the card');
  const { gflops, gigabytes } = await measureLimits(gpu);
  const theirs =
    'notMeasured' in torch
      ? torch
      : await torch.limits().catch((error: unknown) => ({ notMeasured: firstLine(error) }));
  return { vectorGflops: gflops, copyGigabytes: gigabytes, torch: theirs };
}

async function runCases(
  { cases }: Options,
  size: Size,
  gpu: Gpu,
  torch: Torch | NotMeasured,
  context: BoxContext,
): Promise<CaseResult[]> {
  const scale = scales[size];
  const heed = heedProgram(gpu);
  const results: CaseResult[] = [];
  for (const boxCase of casesOf(scale)) {
    if (cases && !cases.some((part) => boxCase.id.includes(part))) continue;
    const result = await runCase(boxCase, heed, torch, { ...scale, ...context });
    results.push(result);
    context.progress(inShort(result));
  }
  return results;
}

/** Prints one line per case, so that an interrupted run has shown its results. */
function inShort({ heed, peer, speedOfPeer }: CaseResult): string {
  const time = (one: typeof heed): string =>
    isMeasured(one) ? `${one.ms.median.toPrecision(3)} ms` : one.notMeasured;
  const share = speedOfPeer ? `, ${(100 * speedOfPeer.median).toFixed(0)} % of its speed` : '';
  return `  heed ${time(heed)}; PyTorch ${time(peer)}${share}`;
}
