import { type Gpu, openGpu } from '@heed/core';
import { firstLine } from '../first-use.ts';
import { type GpuHost, openGpuHost } from '../gpu-host.ts';
import { packageVersion } from '../package-version.ts';
import { measureLimits } from '../roofline/limits.ts';
import { casesOf } from './cases.ts';
import { conformanceOn, subsets } from './conformance.ts';
import { heedProgram } from './heed.ts';
import type { BoxOptions } from './options.ts';
import {
  type BoxReport,
  type CardLimits,
  type CaseResult,
  isMeasured,
  type NotMeasured,
} from './report.ts';
import { runCase } from './run-case.ts';
import { scales, type Size, sizeFor } from './sizes.ts';
import { openTorch, type Torch } from './torch.ts';

/** What a run needs beside its options. */
export interface BoxContext {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

type Options = Pick<BoxOptions, 'size' | 'cases' | 'conformance' | 'peer' | 'python'>;

/** Checks heed on this machine's adapter, then measures it beside PyTorch on the same card. */
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

/** The device that is measured, with the shipped defaults of its class. */
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

/** One line, so that a run that is cut off has shown what it had. */
function inShort({ heed, peer, speedOfPeer }: CaseResult): string {
  const time = (one: typeof heed): string =>
    isMeasured(one) ? `${one.ms.median.toPrecision(3)} ms` : one.notMeasured;
  const share = speedOfPeer ? `, ${(100 * speedOfPeer.median).toFixed(0)} % of its speed` : '';
  return `  heed ${time(heed)}; PyTorch ${time(peer)}${share}`;
}
