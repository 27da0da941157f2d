import { casesOf, scales } from '../../../src/gpu-box/box-cases.ts';
import type { BoxReport, CaseResult, Measured } from '../../../src/gpu-box/box-report.ts';
import { bytesOfCase, flopsOfCase } from '../../../src/gpu-box/run-box-case.ts';
import { summarize } from '../../../src/measure/timing.ts';

const cases = casesOf(scales.gpu);
const caseOf = (id: string): CaseResult['case'] => cases.find((one) => one.id === id)!;

const measured = (ms: number, change: Partial<Measured> = {}): Measured => ({
  how: 'a call',
  right: true,
  errorOfLimit: 0.25,
  maxError: 1e-4,
  firstUseMs: 1500,
  ms: summarize([ms]),
  gpuMs: summarize([ms / 2]),
  samples: [ms],
  ...change,
});

function result(id: string, heed: CaseResult['heed'], peer: CaseResult['peer']): CaseResult {
  const one = caseOf(id);
  const both = 'ms' in heed && 'ms' in peer;
  return {
    case: one,
    flops: flopsOfCase(one),
    bytes: bytesOfCase(one),
    calls: 1,
    heed,
    peer,
    ...(both && { speedOfPeer: summarize([peer.ms.median / heed.ms.median]) }),
  };
}

/** A machine with PyTorch: heed at a fifth of its speed, and decode at 90 % of the copy limit. */
export const withTorch: BoxReport = {
  date: '2026-11-21T10:00:00.000Z',
  adapter: 'some card',
  node: '24.0.0',
  heed: '0.1.0',
  size: 'gpu',
  torch: { torch: '2.11.0', device: 'some card', cuda: '13.0' },
  conformance: [
    { path: 'default', counts: { pass: 9, fail: 0, unsupported: 1 }, failed: [], seconds: 3 },
    {
      path: 'portable',
      counts: { pass: 8, fail: 1, unsupported: 1 },
      failed: ['gqa/x'],
      seconds: 3,
    },
  ],
  limits: {
    vectorGflops: 50_000,
    copyGigabytes: 2000,
    torch: { teraflops: 700, n: 8192, gigabytes: 4000 },
  },
  cases: [
    result('forward-d128-causal-8192', measured(10), measured(2)),
    result('decode-b8-65536', measured((2 ** 31 / 4e12 / 0.9) * 1000), measured(1)),
    result('backward-d64', measured(5, { right: false, errorOfLimit: 7 }), {
      notMeasured: 'RuntimeError: no kernel',
    }),
  ],
};

/** The same machine without PyTorch. */
export const withoutTorch: BoxReport = {
  ...withTorch,
  torch: { notMeasured: 'no torch here' },
  conformance: [],
  limits: { ...withTorch.limits, torch: { notMeasured: 'no torch here' } },
  cases: [
    result('forward-d128-causal-8192', measured(10), { notMeasured: 'no torch here' }),
    result('flex-relative-bias', { notMeasured: 'too large' }, { notMeasured: 'no torch here' }),
  ],
};
