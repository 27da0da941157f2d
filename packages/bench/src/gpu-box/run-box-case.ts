import { firstLine } from '../measure/first-use.ts';
import { visiblePairs } from '../measure/roofline.ts';
import { pairedRatios, stopwatch, summarize, takeTurns } from '../measure/timing.ts';
import { maxErrorOf } from '../measure/verdict.ts';
import type { BoxCase, Scale } from './box-cases.ts';
import {
  type CallTime,
  expectedAt,
  type Loaded,
  type ProbeExpected,
  probesOf,
  type Program,
} from './box-probes.ts';
import { type CaseResult, isMeasured, type Measured, type NotMeasured } from './box-report.ts';

/** How to run a case. */
interface CaseOptions extends Pick<Scale, 'rounds' | 'seconds' | 'sampleMs'> {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

interface Ready {
  readonly loaded: Loaded;
  readonly calls: number;
  readonly checked: Omit<Measured, 'ms' | 'gpuMs' | 'samples'>;
}

const mostCalls = 256;

/** Checks both programs against float64, then times them in turns. A missing program is `notMeasured`. */
export async function runCase(
  boxCase: BoxCase,
  heed: Program,
  peer: Program | NotMeasured,
  options: CaseOptions,
): Promise<CaseResult> {
  const { signal, progress, rounds, seconds } = options;
  signal.throwIfAborted();
  progress(boxCase.title);
  const wanted = expectedAt(boxCase, probesOf(boxCase));
  const ready: (Ready | NotMeasured)[] = [];
  try {
    ready.push(await load(heed, boxCase, wanted, options));
    ready.push('notMeasured' in peer ? peer : await load(peer, boxCase, loosely(wanted), options));
    const runners = ready.filter(isMeasured);
    const times: CallTime[][] = runners.map(() => []);
    const turns = runners.map(({ loaded, calls }, i) => async () => {
      const time = await loaded.time(calls);
      times[i]!.push(time);
      return time.ms;
    });
    const series = await takeTurns(turns, { rounds, maxMs: seconds * 1000, signal });
    const [ours, theirs] = ready.map((one) => {
      const i = runners.indexOf(one as Ready);
      return i < 0 ? (one as NotMeasured) : measured(one as Ready, series[i]!, times[i]!);
    }) as [Measured | NotMeasured, Measured | NotMeasured];
    return {
      case: boxCase,
      flops: flopsOfCase(boxCase),
      bytes: bytesOfCase(boxCase),
      calls: isMeasured(ready[0]!) ? ready[0].calls : 0,
      heed: ours,
      peer: theirs,
      ...(runners.length === 2 && {
        speedOfPeer: summarize(pairedRatios(series[1]!, series[0]!)),
      }),
    };
  } finally {
    for (const one of ready) if (isMeasured(one)) await one.loaded.dispose().catch(() => {});
  }
}

/** Sets a case up, judges it, and finds the number of calls per sample. Returns the reason of a failure. */
async function load(
  program: Program,
  boxCase: BoxCase,
  wanted: readonly ProbeExpected[],
  { sampleMs }: CaseOptions,
): Promise<Ready | NotMeasured> {
  let loaded: Loaded | undefined;
  let unsupported = '';
  try {
    const firstUseMs = await stopwatch(async () => {
      const outcome = await program.load(boxCase, probesOf(boxCase));
      if ('unsupported' in outcome) unsupported = outcome.unsupported;
      else loaded = outcome;
    });
    if (!loaded) return { notMeasured: unsupported };
    const { how, samples } = loaded;
    const { ms } = await loaded.time(1);
    const calls = Math.max(1, Math.min(mostCalls, Math.ceil(sampleMs / ms)));
    return { loaded, calls, checked: { how, ...judged(samples, wanted), firstUseMs } };
  } catch (error) {
    await loaded?.dispose().catch(() => {});
    return { notMeasured: firstLine(error) };
  }
}

function measured(
  { checked }: Ready,
  samples: readonly number[],
  times: readonly CallTime[],
): Measured {
  const gpu = times.flatMap(({ gpuMs }) => (gpuMs === undefined ? [] : [gpuMs]));
  return {
    ...checked,
    ms: summarize(samples),
    ...(gpu.length > 0 && { gpuMs: summarize(gpu) }),
    samples,
  };
}

// Relative to the largest value, for a program that stores weights as halves. Faults are far larger.
const peerLimit = 0.02;

/** Returns the expected values with the limit for another program. */
function loosely(wanted: readonly ProbeExpected[]): ProbeExpected[] {
  return wanted.map(({ want }) => ({ want, limit: peerLimit * largest(want) }));
}

/** Returns the distance of a program's samples from the expected values; Infinity for missing samples. */
function judged(
  samples: readonly ArrayLike<number>[],
  wanted: readonly ProbeExpected[],
): Pick<Measured, 'right' | 'errorOfLimit' | 'maxError'> {
  const errors = wanted.map(({ want }, i) => maxErrorOf(samples[i] ?? [], want));
  const errorOfLimit = Math.max(...errors.map((error, i) => error / wanted[i]!.limit));
  return { right: errorOfLimit <= 1, errorOfLimit, maxError: Math.max(...errors) };
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

/** Matrix products per pass: q · k and weights · v; backward has five. */
const products = { forward: 2, backward: 5 } as const;

/** Counts the floating-point operations of a case; masked pairs do not count. */
export function flopsOfCase(c: BoxCase): number {
  const window = c.mod?.kind === 'slidingWindow' ? c.mod.window : undefined;
  const pairs = visiblePairs(c.seqlenQ, c.seqlenK, c.causal || window !== undefined, window);
  return 2 * products[c.pass] * c.headDim * c.batch * c.headsQ * pairs;
}

/** Returns the least number of f16 bytes that a case moves: each tensor once. */
export function bytesOfCase(c: BoxCase): number {
  const q = c.batch * c.headsQ * c.seqlenQ * c.headDim;
  const k = c.batch * c.headsKv * c.seqlenK * c.headDim;
  // q, out | k, v; backward: q, out, dOut, dq | k, v, dk, dv.
  return 2 * (c.pass === 'forward' ? 2 * q + 2 * k : 4 * q + 4 * k);
}
