import type { Check } from '@heed/conformance/reference';
import type { Gpu } from '@heed/core';
import { decodeStep, type Job, packedPrefill, paddedPrefill } from './attention-jobs.ts';
import {
  type Pack,
  packDocuments,
  paddedTokens,
  readDocuments,
  tokenize,
  tokenizerName,
} from './packed-documents.ts';
import { type Heads, project, type Projections } from './projections.ts';
import { checkDecode, checkPrefill, reference, type Report, verdictOf } from './start-report.ts';

/** The inputs of the main job. */
interface RunOptions {
  readonly root: string;
  readonly tokens: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

type Jobs = readonly [packed: Job, padded: Job, decode: Job];

const heads: Heads = { query: 8, kv: 2, dim: 64 };
const context = 1024;
const timing = { budget: 12_000, maxRounds: 7 } as const;

/** Packs the repository's documents, runs packed, padded and decode attention, checks the results and times them. */
export async function runMainJob(gpu: Gpu, options: RunOptions): Promise<Report> {
  const { signal, progress } = options;
  const pack = await packRepository(options);
  const inputs = project(pack, heads);
  using packed = packedPrefill(gpu, pack, inputs);
  using padded = paddedPrefill(gpu, pack, inputs);
  using decode = decodeStep(gpu, pack, inputs);
  const jobs: Jobs = [packed, padded, decode];
  for (const job of jobs) {
    signal.throwIfAborted();
    progress(`${job.name}: compiling, first run`);
    await finish(gpu, job);
  }
  progress('float64 reference of every row');
  const checks = await checkAll(jobs, pack, inputs);
  signal.throwIfAborted();
  progress('timing');
  const runs = jobs.map((job) => () => finish(gpu, job));
  return reportOf(gpu, pack, checks, await medianTimes(runs, timing));
}

async function packRepository({ root, tokens, progress }: RunOptions): Promise<Pack> {
  const documents = await readDocuments(root);
  progress(`tokenising ${documents.length} documents`);
  const pack = packDocuments(documents.map(tokenize), { maxTokens: tokens, maxSeqlen: context });
  progress(`packed ${pack.paths.length} of them: ${pack.tokens.length} tokens`);
  return pack;
}

async function finish(gpu: Gpu, job: Job): Promise<void> {
  job.run();
  await gpu.settled();
}

async function checkAll(
  [packed, padded, decode]: Jobs,
  pack: Pack,
  inputs: Projections,
): Promise<Check[]> {
  const want = reference(pack, inputs);
  const rows = `all ${pack.tokens.length} rows`;
  const lastRows = `all ${pack.paths.length} rows`;
  return [
    checkPrefill(`packed prefill, ${rows}`, await packed.result(), want),
    checkPrefill(`padded prefill, ${rows}`, await padded.result(), want),
    checkDecode(`decode step, ${lastRows}`, await decode.result(), want, pack.cuSeqlens),
  ];
}

function reportOf(gpu: Gpu, pack: Pack, checks: readonly Check[], { ms, rounds }: Times): Report {
  const { vendor, architecture, device, description } = gpu.capabilities.adapter;
  const [packed = NaN, padded = NaN, decode = NaN] = ms;
  const slots = paddedTokens(pack);
  return {
    adapter: [vendor, architecture, device, description].filter((part) => part !== '').join(' '),
    tokenizer: tokenizerName,
    documents: pack.paths.length,
    tokens: pack.tokens.length,
    longest: pack.maxSeqlen,
    heads,
    paddedTokens: slots,
    paddingSaved: 1 - pack.tokens.length / slots,
    ms: { packed, padded, decode },
    rounds,
    checks,
    verdict: verdictOf(checks),
  };
}

/** Median milliseconds of each job, and the number of rounds. */
interface Times {
  readonly ms: readonly number[];
  readonly rounds: number;
}

/** How long to measure. */
interface TimingOptions {
  /** Milliseconds to spend, estimated from the first round. At least one round is timed. */
  readonly budget: number;
  readonly maxRounds: number;
  readonly now?: () => number;
}

/**
 * Times several jobs, each of which has run before, in interleaved rounds, so that a slow moment of the machine does not affect
 * one job alone.
 */
export async function medianTimes(
  runs: readonly (() => Promise<void>)[],
  { budget, maxRounds, now = () => performance.now() }: TimingOptions,
): Promise<Times> {
  const timeRound = async (): Promise<number[]> => {
    const times: number[] = [];
    for (const run of runs) {
      const start = now();
      await run();
      times.push(now() - start);
    }
    return times;
  };
  const first = await timeRound();
  const foretold = Math.floor(budget / first.reduce((sum, ms) => sum + ms, 0));
  const samples = [first];
  while (samples.length < Math.min(maxRounds, foretold)) samples.push(await timeRound());
  return {
    ms: runs.map((_, i) => median(samples.map((times) => times[i] as number))),
    rounds: samples.length,
  };
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
