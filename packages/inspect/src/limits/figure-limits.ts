import type { FigureName, InspectedKernel } from './inspected-kernel.ts';

/** What a figure of some kernels may be: at most or at least a number. */
export interface FigureLimit {
  readonly kernels: RegExp;
  /** The families on which it holds; all by default. */
  readonly families?: readonly string[];
  readonly figure: FigureName;
  readonly most?: number;
  readonly least?: number;
  /** The limit holds too if this other figure is at least a number. */
  readonly or?: { readonly figure: FigureName; readonly least: number };
  /** The number that holds in place of `most` or `least` until the kernels reach it. */
  readonly today?: number;
}

// The largest tiles, which do not fit into the registers yet.
const spilling = /^((portable |matrix |)backward f16 D256 dkv|matrix forward f16 D256)$/;
const others = /^(?!(portable |matrix |)backward f16 D256 dkv$|matrix forward f16 D256$)/;
const forward = /^portable forward f16 D128$/;
const dq = /^portable backward f16 D128 dq$/;
const dkv = /^portable backward f16 D128 dkv$/;
const decode = /^decode f16 D128$/;
const paged = /^decode paged f16 D128$/;
const int8 = /^decode paged int8 D128$/;
const matrix = /^matrix forward f16 D128$/;
// ptxas takes fewer registers than these need, for more blocks.
const squeezed = /^(portable )?decode |^delta /;
const roomy = /^(?!backward f16 D256 dkv$|(portable )?decode |delta )/;
const portable = /^portable forward f16 D128$/;
const amd = ['navi31', 'navi21', 'vega10', 'gfx1200'];
const navi31 = ['navi31'];
const nvidia = ['sm_90', 'sm_89', 'sm_86', 'sm_80'];
const sm90 = ['sm_90'];

/** The limits that kernels keep. docs/gpu-kernels.md says what the figures mean. */
export const figureLimits: readonly FigureLimit[] = [
  { kernels: others, figure: 'spills', families: amd, most: 0 },
  { kernels: others, figure: 'scratchBytes', families: amd, most: 0 },
  { kernels: spilling, figure: 'spills', families: amd, most: 0, today: 800 },
  { kernels: spilling, figure: 'scratchBytes', families: amd, most: 0, today: 40_000 },

  { kernels: forward, figure: 'waits', families: navi31, most: 10 },
  { kernels: dq, figure: 'waits', families: navi31, most: 16 },
  { kernels: dkv, figure: 'waits', families: navi31, most: 34 },
  { kernels: decode, figure: 'waits', families: navi31, most: 8 },
  { kernels: paged, figure: 'waits', families: navi31, most: 10 },
  { kernels: int8, figure: 'waits', families: navi31, most: 12 },

  { kernels: forward, figure: 'multiplyAddsPerVector', families: navi31, least: 0.8, today: 0.74 },
  {
    kernels: forward,
    figure: 'wavesByLds',
    families: navi31,
    least: 3,
    or: { figure: 'multiplyAddsPerLdsRead', least: 14 },
    today: 2,
  },
  { kernels: decode, figure: 'bytesInFlight', families: navi31, least: 2e6 },
  { kernels: forward, figure: 'codeByF32', families: navi31, most: 1.8, today: 2.7 },

  { kernels: matrix, figure: 'matrixWork', families: navi31, most: 1, today: 1.5 },
  { kernels: matrix, figure: 'ldsBytesPerFlop', families: navi31, most: 1 / 8, today: 1 / 3 },

  { kernels: roomy, figure: 'spills', families: nvidia, most: 0 },
  { kernels: roomy, figure: 'scratchBytes', families: nvidia, most: 0 },
  { kernels: squeezed, figure: 'spills', families: nvidia, most: 0, today: 12 },
  { kernels: squeezed, figure: 'scratchBytes', families: nvidia, most: 0, today: 64 },
  { kernels: spilling, figure: 'spills', families: nvidia, most: 0, today: 400 },
  { kernels: spilling, figure: 'scratchBytes', families: nvidia, most: 0, today: 400 },
  { kernels: portable, figure: 'ffmaShare', families: sm90, least: 0.62, today: 0.43 },
  { kernels: portable, figure: 'sharedClocks', families: sm90, most: 1.3, today: 3.6 },
  { kernels: forward, figure: 'matrixWork', families: sm90, most: 1, today: 1.5 },
  { kernels: forward, figure: 'sharedBytesPerFlop', families: sm90, most: 1 / 8, today: 1 / 3 },
];

/** Returns a line for each figure that misses its limit. */
export function missedLimits(
  family: string,
  kernels: readonly InspectedKernel[],
  limits: readonly FigureLimit[] = figureLimits,
): string[] {
  return limits
    .filter(({ families }) => families?.includes(family) ?? true)
    .flatMap((limit) =>
      kernels
        .filter(({ name, figures }) => limit.kernels.test(name) && !holds(limit, figures))
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
