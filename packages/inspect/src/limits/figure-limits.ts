import type { FigureName, InspectedKernel } from './inspected-kernel.ts';

/** What a figure of some kernels may be: at most or at least a number. */
export interface FigureLimit {
  /** Which kernels it is for: `name: label`. */
  readonly kernels: RegExp;
  /** The families on which it holds. */
  readonly on: readonly string[];
  readonly figure: FigureName;
  readonly most?: number;
  readonly least?: number;
  /** The limit holds too if this other figure is at least a number. */
  readonly or?: { readonly figure: FigureName; readonly least: number };
  /** The number that holds in place of `most` or `least` until the kernels reach it. */
  readonly today?: number;
}

const amd = ['navi31', 'navi21', 'vega10', 'gfx1200'];
const navi31 = ['navi31'];
const nvidia = ['sm_90', 'sm_89', 'sm_86', 'sm_80'];
const sm90 = ['sm_90'];

const every = /./;
const portable = /^portable forward f16 D128:/;
const byMatrices = /^matrix forward f16 D128:/;
const dq = /^portable backward f16 D128 dq:/;
const dkv = /^portable backward f16 D128 dkv:/;
const gradientsByMatrices = /^matrix backward f16 (D64|D128) (dq|dkv):/;
const gradients = /^backward f16 (D64|D128) (dq|dkv):/;
const decode = /^decode f16 D128:/;
const paged = /^decode paged f16 D128:/;
const int8 = /^decode paged int8 D128:/;

/** The limits that kernels keep. docs/gpu-kernels.md says what the figures mean. */
export const figureLimits: readonly FigureLimit[] = [
  { kernels: every, figure: 'spills', on: amd, most: 0 },
  { kernels: every, figure: 'scratchBytes', on: amd, most: 0 },

  { kernels: portable, figure: 'waits', on: navi31, most: 10 },
  { kernels: dq, figure: 'waits', on: navi31, most: 16 },
  { kernels: dkv, figure: 'waits', on: navi31, most: 34 },
  { kernels: decode, figure: 'waits', on: navi31, most: 8 },
  { kernels: paged, figure: 'waits', on: navi31, most: 10 },
  { kernels: int8, figure: 'waits', on: navi31, most: 12 },

  { kernels: decode, figure: 'bytesInFlight', on: navi31, least: 2e6 },
  { kernels: portable, figure: 'multiplyAddsPerVector', on: navi31, least: 0.8 },
  {
    kernels: portable,
    figure: 'wavesByLds',
    on: navi31,
    least: 3,
    or: { figure: 'multiplyAddsPerLdsRead', least: 14 },
  },
  { kernels: portable, figure: 'codeByF32', on: navi31, most: 1.8 },
  { kernels: byMatrices, figure: 'matrixWork', on: navi31, most: 1 },
  { kernels: gradientsByMatrices, figure: 'matrixWork', on: navi31, most: 1 },
  { kernels: gradientsByMatrices, figure: 'waits', on: navi31, most: 4 },

  { kernels: every, figure: 'spills', on: nvidia, most: 0 },
  { kernels: every, figure: 'scratchBytes', on: nvidia, most: 0 },
  { kernels: /path=/, figure: 'localAccesses', on: nvidia, most: 0 },
  { kernels: portable, figure: 'ffmaShare', on: sm90, least: 0.62 },
  { kernels: portable, figure: 'sharedClocks', on: sm90, most: 1.3 },
  { kernels: /^forward f16 D128:/, figure: 'matrixWork', on: sm90, most: 1 },
  { kernels: /^forward f16 D128:/, figure: 'sharedBytesPerFlop', on: sm90, most: 1 / 8 },
  { kernels: gradients, figure: 'matrixWork', on: sm90, most: 1 },
  { kernels: gradients, figure: 'sharedBytesPerFlop', on: sm90, most: 1 / 8 },
];

/** Whether a limit is for a kernel. */
export const concerns = ({ kernels }: FigureLimit, { name, label }: InspectedKernel): boolean =>
  kernels.test(`${name}: ${label}`);

/** Returns a line for each figure that misses its limit. */
export function missedLimits(
  family: string,
  kernels: readonly InspectedKernel[],
  limits: readonly FigureLimit[] = figureLimits,
): string[] {
  return limits
    .filter(({ on }) => on.includes(family))
    .flatMap((limit) =>
      kernels
        .filter((kernel) => concerns(limit, kernel) && !holds(limit, kernel.figures))
        .map((kernel) => `${family} ${missText(limit, kernel)}`),
    );
}

function holds(
  { figure, most, least, or, today }: FigureLimit,
  figures: InspectedKernel['figures'],
): boolean {
  if (or && (figures[or.figure] ?? 0) >= or.least) return true;
  const value = figures[figure] ?? Number.NaN;
  return most === undefined ? value >= (today ?? least!) : value <= (today ?? most);
}

function missText({ figure, most, least, today }: FigureLimit, kernel: InspectedKernel): string {
  const rule = most === undefined ? `at least ${today ?? least}` : `at most ${today ?? most}`;
  return `${kernel.name}: ${figure} is ${kernel.figures[figure] ?? 'missing'}, must be ${rule}`;
}
