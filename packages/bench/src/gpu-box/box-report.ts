import type { ConformanceReport } from '@heed/conformance';
import type { Summary } from '../measure/timing.ts';
import type { BoxCase, Size } from './box-cases.ts';
import type { TorchLimits, TorchVersions } from './box-torch.ts';

/** The reason why something was not measured. */
export interface NotMeasured {
  readonly notMeasured: string;
}

/** The times of a program in a case. */
export interface Measured {
  readonly how: string;
  readonly right: boolean;
  /** Largest distance from float64 over all probes, as a share of the limit. */
  readonly errorOfLimit: number;
  readonly maxError: number;
  /** Milliseconds of loading and the first run, with compilation. */
  readonly firstUseMs: number;
  /** Wall time of one call, in milliseconds. */
  readonly ms: Summary;
  /** GPU time of one call; undefined without a clock. */
  readonly gpuMs?: Summary;
  readonly samples: readonly number[];
}

/** The results of both programs in one case. */
export interface CaseResult {
  readonly case: BoxCase;
  readonly flops: number;
  readonly bytes: number;
  /** Number of heed's calls per timed sample. */
  readonly calls: number;
  readonly heed: Measured | NotMeasured;
  readonly peer: Measured | NotMeasured;
  /** Ratio of the other program's time to heed's, per round. */
  readonly speedOfPeer?: Summary;
}

/** The limits of the card. */
export interface CardLimits {
  /** Measured by heed: 10⁹ operations per second of f32 multiply-adds on vectors, outside the matrix units. */
  readonly vectorGflops: number;
  /** Measured by heed: 10⁹ bytes per second, read and written. */
  readonly copyGigabytes: number;
  readonly torch: TorchLimits | NotMeasured;
}

/** The results of the conformance cases on one path. */
export interface ConformanceResult {
  readonly path: string;
  readonly counts: ConformanceReport['counts'];
  readonly failed: readonly string[];
  readonly seconds: number;
}

/** A whole run on one machine. */
export interface BoxReport {
  readonly date: string;
  readonly adapter: string;
  readonly node: string;
  readonly heed: string;
  readonly size: Size;
  readonly torch: TorchVersions | NotMeasured;
  readonly conformance: readonly ConformanceResult[];
  readonly limits: CardLimits;
  readonly cases: readonly CaseResult[];
}

export function isMeasured<T extends object>(one: T | NotMeasured): one is T {
  return !('notMeasured' in one);
}

/** Returns the ratio of heed's FLOP/s to those of the card's f16 matrix product; undefined if one was not measured. */
export function shareOfMatmul(
  { heed, flops }: CaseResult,
  { torch }: CardLimits,
): number | undefined {
  if (!isMeasured(heed) || !isMeasured(torch)) return undefined;
  return flops / heed.ms.median / 1e9 / torch.teraflops;
}

/** Returns the least bytes of a case per heed's time, as a share of the card's copy rate, the better of the two programs'. */
export function shareOfCopy(
  { heed, bytes }: CaseResult,
  { copyGigabytes, torch }: CardLimits,
): number | undefined {
  if (!isMeasured(heed)) return undefined;
  const limit = Math.max(copyGigabytes, isMeasured(torch) ? torch.gigabytes : 0);
  return bytes / heed.ms.median / 1e6 / limit;
}

const heading = [
  'work',
  'heed ms',
  'GPU ms',
  'TFLOP/s',
  'GB/s',
  'of matmul',
  'of copy',
  'first use',
  'PyTorch ms',
  'TFLOP/s',
  'heed’s speed / PyTorch’s',
  'promised',
];

/** Renders a run as Markdown: the checks, the card's limits, a table of cases, and the failures. */
export function renderMarkdown(report: BoxReport): string {
  const { adapter, date, node, heed, size, torch } = report;
  const peer = isMeasured(torch)
    ? `PyTorch ${torch.torch} (CUDA ${torch.cuda}) on ${torch.device}`
    : `PyTorch: not measured (${torch.notMeasured})`;
  return [
    `# heed on ${adapter}`,
    '',
    `${date.slice(0, 10)}, Node ${node}, heed ${heed}, f16, size \`${size}\`. ${peer}.`,
    '',
    ...conformanceLines(report),
    ...limitLines(report.limits),
    '',
    ...table([heading, ...report.cases.map((one) => row(one, report.limits))]),
    '',
    ...notes(report),
  ].join('\n');
}

function conformanceLines({ conformance }: BoxReport): string[] {
  if (conformance.length === 0) return ['Conformance: not run.', ''];
  return [
    ...conformance.map(({ path, counts: { pass, fail, unsupported }, seconds }) => {
      const failures = fail > 0 ? `**${fail} failed**` : '0 failed';
      return `- conformance, ${path} path: ${pass} passed, ${failures}, ${unsupported} unsupported, ${seconds.toFixed(0)} s`;
    }),
    ...conformance.flatMap(({ path, failed }) => failed.map((id) => `  - ${path}: \`${id}\``)),
    '',
  ];
}

function limitLines({ vectorGflops, copyGigabytes, torch }: CardLimits): string[] {
  const tera = (gflops: number): string => (gflops / 1000).toPrecision(3);
  return [
    isMeasured(torch)
      ? `- matmul limit: ${torch.teraflops.toPrecision(3)} TFLOP/s, PyTorch’s own f16 matrix product, ${torch.n}³`
      : '- matmul limit: not measured, so no shares of it',
    `- multiply-adds of f32 vectors in WGSL, outside any matrix unit: ${tera(vectorGflops)} TFLOP/s`,
    `- copy limit, read and written: ${copyGigabytes.toFixed(0)} GB/s in WGSL; PyTorch’s copy: ${isMeasured(torch) ? `${torch.gigabytes.toFixed(0)} GB/s` : 'not measured'}; the larger one counts`,
  ];
}

function row(result: CaseResult, limits: CardLimits): string[] {
  const { case: c, heed, peer, flops, bytes, speedOfPeer } = result;
  const ours = isMeasured(heed)
    ? [
        milliseconds(heed),
        heed.gpuMs ? heed.gpuMs.median.toPrecision(3) : '—',
        rate(flops, heed),
        (bytes / heed.ms.median / 1e6).toPrecision(3),
        percent(shareOfMatmul(result, limits)),
        percent(shareOfCopy(result, limits)),
        `${(heed.firstUseMs / 1000).toFixed(2)} s`,
      ]
    : ['not measured', '', '', '', '', '', ''];
  const theirs = isMeasured(peer) ? [milliseconds(peer), rate(flops, peer)] : ['not measured', ''];
  return [c.title, ...ours, ...theirs, percent(speedOfPeer?.median), promised(result, limits)];
}

function milliseconds({ ms, right }: Measured): string {
  return `${ms.median.toPrecision(3)}${right ? '' : ' ✗'}`;
}

function rate(flops: number, { ms }: Measured): string {
  return (flops / ms.median / 1e9).toPrecision(3);
}

function percent(share: number | undefined): string {
  if (share === undefined) return 'not measured';
  return share < 0.1 ? `${(100 * share).toPrecision(2)} %` : `${(100 * share).toFixed(0)} %`;
}

/** Renders the target of heed in a case, and whether it is met. */
function promised(result: CaseResult, limits: CardLimits): string {
  const { promise } = result.case;
  const told = [
    ['of PyTorch', promise?.ofPeer, result.speedOfPeer?.median],
    ['of copy', promise?.ofCopy, shareOfCopy(result, limits)],
  ] as const;
  return told
    .flatMap(([of, least, share]) => {
      if (least === undefined) return [];
      const mark = share === undefined ? 'not measured' : share >= least ? '✓' : '✗';
      return [`≥ ${100 * least} % ${of} ${mark}`];
    })
    .join(', ');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  const [head = '', ...body] = lines;
  return [head, `|${'---|'.repeat(rows[0]?.length ?? 0)}`, ...body];
}

/** Renders the correctness of the results, and a line per wrong or missing result. */
function notes({ cases, torch }: BoxReport): string[] {
  const said = isMeasured(torch) ? undefined : torch.notMeasured;
  const worst = Math.max(0, ...cases.map(({ heed }) => (isMeasured(heed) ? heed.errorOfLimit : 0)));
  const off = cases.flatMap(({ case: { id }, heed, peer }) => [
    ...note(id, 'heed', heed),
    ...(isMeasured(peer) || peer.notMeasured !== said ? note(id, 'PyTorch', peer) : []),
  ]);
  return [
    'Times are wall time of one call in a row of them, GPU ms that of its dispatches by the GPU’s clock; first use is the case’s data, compilation and first run.',
    `Results were held against float64 first: heed’s largest error is ${worst.toFixed(2)} of its budget.`,
    ...off,
  ];
}

function note(id: string, name: string, one: Measured | NotMeasured): string[] {
  if (!isMeasured(one)) return [`- ${id}: ${name} not measured: ${one.notMeasured}`];
  if (one.right) return [];
  const times = one.errorOfLimit.toPrecision(2);
  return [
    `- ✗ ${id}: ${name}’s result is wrong, by ${one.maxError.toExponential(1)}, ${times} times what is allowed; its time is that of a wrong result`,
  ];
}
