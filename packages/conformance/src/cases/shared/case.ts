import type { Capabilities, Gpu } from '@heed/core';
import type { Check } from '../../budget/output-checks.ts';
import type { FloatDType } from '../../reference/number-types.ts';

/** 'quick' cases run always; 'full' ones only where the exhaustive matrix is asked for. */
export type Tier = 'quick' | 'full';

/** What a case works with. */
export interface CaseContext {
  readonly gpu: Gpu;
  readonly signal?: AbortSignal;
}

/** What came of a case. */
export interface CaseResult {
  readonly status: 'pass' | 'fail' | 'unsupported';
  /** The check that used most of its budget: |error| and limit in the result's own unit. */
  readonly error?: number;
  readonly budget?: number;
  /** Mismatch tables of a failure, the reason of 'unsupported', or what was recorded. */
  readonly report?: string;
}

/** One named test of an adapter. */
export interface Case {
  /** `group/…/dtype`, e.g. 'seqused/lens-127-63-33-17/poison-nan/f32'. */
  readonly id: string;
  readonly group: string;
  readonly tier: Tier;
  readonly dtype: FloatDType;
  readonly tags: readonly string[];
  /** Runs it once. */
  readonly run: (context: CaseContext) => Promise<CaseResult>;
}

/** What a case body gives back: its checks, and optionally a note to record. */
export type Body = (
  gpu: Gpu,
  dtype: FloatDType,
  signal?: AbortSignal,
) => Promise<readonly Check[] | Recorded>;

/** Checks with something worth recording even when they hold. */
export interface Recorded {
  readonly checks: readonly Check[];
  readonly note: string;
}

/** How a case is declared. */
export interface CaseSpec {
  readonly tier?: Tier;
  readonly tags?: readonly string[];
  readonly dtypes?: readonly FloatDType[];
  /** The tier of the f16 twin where it differs: every storage type costs pipelines. */
  readonly f16Tier?: Tier;
  /** Why this device cannot run the case, or undefined where it can. Nothing else may be 'unsupported'. */
  readonly lacks?: (capabilities: Capabilities, dtype: FloatDType) => string | undefined;
  readonly run: Body;
}

/** Declares one case for each storage type; the name lacks group and dtype. */
export function defineCase(group: string, name: string, spec: CaseSpec): Case[] {
  const { tier = 'quick', tags = [], dtypes = ['f32', 'f16'], lacks } = spec;
  return dtypes.map((dtype) => ({
    id: `${group}/${name}/${dtype}`,
    group,
    tier: dtype === 'f16' ? (spec.f16Tier ?? tier) : tier,
    dtype,
    tags,
    async run({ gpu, signal }): Promise<CaseResult> {
      const reason = lacks?.(gpu.capabilities, dtype);
      if (reason !== undefined) return { status: 'unsupported', report: reason };
      const outcome = await spec.run(gpu, dtype, signal);
      await gpu.settled();
      return 'checks' in outcome ? toResult(outcome.checks, outcome.note) : toResult(outcome);
    },
  }));
}

/** Folds checks into a result. A case without checks is a mistake in the case. */
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
