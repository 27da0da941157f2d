import type { Capabilities, Gpu } from '@heed/core';
import type { Check } from '../../budget/output-checks.ts';
import { type FloatDType, floatDTypes } from '../../reference/number-types.ts';

export type Tier = 'quick' | 'full';

/** One named test of an adapter. */
export interface Case {
  /** `group/…/dtype`, e.g. 'seqused/lens-127-63-33-17/poison-nan/f32'. */
  readonly id: string;
  readonly group: string;
  /** Quick cases always run; full ones only where the exhaustive matrix is asked for. */
  readonly tier: 'quick' | 'full';
  readonly dtype: FloatDType;
  /** 'browser': runs in every browser test. 'host': tests only what the host refuses, without any GPU work. */
  readonly tags: readonly string[];
}

/** The result of one case. */
export interface CaseReport {
  readonly id: string;
  readonly ms: number;
  readonly status: 'pass' | 'fail' | 'unsupported';
  /** |error| of the check that used most of its budget, in the unit of its result. */
  readonly error?: number;
  /** The largest |error| that the same check allows. */
  readonly budget?: number;
  /** Mismatch tables of a failure, the reason of 'unsupported', or a note. */
  readonly report?: string;
  /**
   * A hash of the exact bits of every output that the case read back, by the name of the output: `out`, `lse`, `dq`, …; the second
   * output of a name is `out#2`. Equal hashes mean equal bits. Absent if nothing was read back.
   */
  readonly outputs?: Readonly<Record<string, string>>;
}

/** The part of a report that the case itself determines. */
export type CaseResult = Omit<CaseReport, 'id' | 'ms' | 'outputs'>;

/** A case with its code. */
export interface RunnableCase extends Case {
  /** Runs the case once. */
  readonly run: (gpu: Gpu, signal?: AbortSignal) => Promise<CaseResult>;
}

/** The code of a case: returns its checks, with a note if there is something to record. */
type Body = (
  gpu: Gpu,
  dtype: FloatDType,
  signal?: AbortSignal,
) => Promise<readonly Check[] | Recorded>;

/** Checks with a note that is recorded even if they hold. */
interface Recorded {
  readonly checks: readonly Check[];
  readonly note: string;
}

/** The declaration of a case. */
export interface CaseSpec {
  readonly tier?: Tier;
  readonly tags?: readonly string[];
  readonly dtypes?: readonly FloatDType[];
  /** The tier of the f16 twin, if it differs: every storage type costs pipelines. */
  readonly f16Tier?: Tier;
  /** The tier of the bf16 twin, default 'full': it has the paths of f32 with other loads and stores. */
  readonly bf16Tier?: Tier;
  /** Returns why this device cannot run the case, or undefined if it can. Nothing else may be 'unsupported'. */
  readonly lacks?: (capabilities: Capabilities, dtype: FloatDType) => string | undefined;
  readonly run: Body;
}

/** Declares one case per storage type. `name` is the id without group and dtype. */
export function defineCase(group: string, name: string, spec: CaseSpec): RunnableCase[] {
  const { tier = 'quick', tags = [], dtypes = floatDTypes, lacks } = spec;
  const tiers = { f32: tier, f16: spec.f16Tier ?? tier, bf16: spec.bf16Tier ?? 'full' };
  return dtypes.map((dtype) => ({
    id: `${group}/${name}/${dtype}`,
    group,
    tier: tiers[dtype],
    dtype,
    tags,
    async run(gpu, signal): Promise<CaseResult> {
      const reason = lacks?.(gpu.capabilities, dtype);
      if (reason !== undefined) return { status: 'unsupported', report: reason };
      const outcome = await spec.run(gpu, dtype, signal);
      await gpu.settled();
      return 'checks' in outcome ? toResult(outcome.checks, outcome.note) : toResult(outcome);
    },
  }));
}

/** Folds checks into a result. @throws Error if there are none: a case must check something. */
export function toResult(checks: readonly Check[], note?: string): CaseResult {
  if (checks.length === 0) throw new Error('a case must check something');
  const worst = checks.reduce((a, b) => (use(b) > use(a) ? b : a));
  const reports = checks.flatMap((check) => (check.ok ? [] : [check.report ?? check.label]));
  const text = [...reports, ...(note === undefined ? [] : [note])].join('\n');
  return {
    status: reports.length === 0 ? 'pass' : 'fail',
    ...(worst.error !== undefined && { error: worst.error }),
    ...(worst.budget !== undefined && { budget: worst.budget }),
    ...(text !== '' && { report: text }),
  };
}

function use({ error, budget }: Check): number {
  return error === undefined || budget === undefined ? -1 : error / budget;
}
