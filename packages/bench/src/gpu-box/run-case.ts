import { firstLine } from '../first-use.ts';
import { stopwatch, takeTurns } from '../measure.ts';
import { pairedRatios, summarize } from '../stats.ts';
import type { BoxCase } from './case.ts';
import { expectedAt, type ProbeExpected } from './expected.ts';
import { judged, loosely } from './judge.ts';
import { probesOf } from './probe.ts';
import type { CallTime, Loaded, Program } from './program.ts';
import { type CaseResult, isMeasured, type Measured, type NotMeasured } from './report.ts';
import type { Scale } from './sizes.ts';
import { bytesOfCase, flopsOfCase } from './work.ts';

/** How to run a case. */
export interface CaseOptions extends Pick<Scale, 'rounds' | 'seconds' | 'sampleMs'> {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

interface Ready {
  readonly loaded: Loaded;
  readonly calls: number;
  readonly checked: Omit<Measured, 'ms' | 'gpuMs' | 'samples'>;
}

const mostCalls = 256;

/** Checks both programs against float64, then times them in turns. Another program that is missing is `notMeasured`. */
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

/** Sets a case up and judges it; then finds how many calls make a sample. What fails is a finding. */
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
