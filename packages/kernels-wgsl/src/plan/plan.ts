import type { Gpu, Tensor } from '@heed/core';
import type { KernelSource } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import { fail } from '../api/checks/fail.ts';
import { denseCall } from '../api/dense-call.ts';
import type { AttentionOptions, AttentionResult, VarlenLayout } from '../api/options.ts';
import { varlenCall } from '../api/varlen-call.ts';
import type { ForwardConfig } from '../config/forward.ts';
import { combineSource } from '../kernels/combine/combine.wgsl.ts';
import { forwardSource } from '../kernels/forward/forward.wgsl.ts';
import { runForward } from '../run/forward.ts';
import { KeptScratch, passTarget, recorderTarget } from '../run/target.ts';
import { factsOfCall, factsOfProblem, type AttentionProblem, type ProblemFacts } from './problem.ts';
import { checkProblem } from './check.ts';
import { type Selection, select } from './select.ts';
import { type WarmupOptions, warmup } from './warmup.ts';

/** What a plan runs on: the tensors, and the values of the options that its problem named. */
export interface AttentionTensors extends AttentionOptions, Partial<VarlenLayout> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** A kernel choice that can be made, compiled and looked at before there is any data. */
export interface AttentionPlan extends Disposable {
  readonly problem: AttentionProblem;
  /** The generated kernel, for contiguous tensors. */
  readonly wgsl: string;
  /** Compiles off the hot path, and runs each kernel once over nothing, since some drivers compile at the first dispatch. */
  warmup(options?: WarmupOptions): Promise<void>;
  /** Dispatches, like `attention` or `varlenAttention`. @throws ValidationError data that the plan was not made for */
  run(tensors: AttentionTensors): AttentionResult;
  /** Records into a compute pass of yours. Scratch memory stays with the plan until `dispose`. */
  encode(pass: GPUComputePassEncoder, tensors: AttentionTensors): AttentionResult;
  /** Why this kernel, with its tiles and its identity. */
  describe(): string;
  dispose(): void;
}

/**
 * Selects the kernel for a problem. Plans are light: kernels are cached per device, and two plans of one problem share them.
 *
 * @throws ValidationError a problem that cannot be
 * @throws UnsupportedError `backward: true`, or what this device cannot do
 * @example
 * const plan = planAttention(gpu, { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] });
 * await plan.warmup();
 * const { out } = plan.run({ q, k, v, causal: true });
 */
export function planAttention(gpu: Gpu, problem: AttentionProblem): AttentionPlan {
  checkProblem(problem);
  const facts = factsOfProblem(problem);
  const selection = select(facts, gpu.capabilities, gpu.tuning);
  const kept = new KeptScratch();
  const sources = planSources(selection);
  const checked = (tensors: AttentionTensors): Call => {
    const call = callOf(problem, tensors);
    checkMatch(facts, factsOfCall(call));
    return call;
  };
  const dispose = (): void => kept.dispose();
  return {
    problem,
    wgsl: sources[0]!.code,
    warmup: (options) => warmup(gpu, sources, options),
    run: (tensors) => {
      const call = checked(tensors);
      return gpu.batch(() => runForward(call, selection, recorderTarget(gpu)));
    },
    encode: (pass, tensors) => runForward(checked(tensors), selection, passTarget(gpu, pass, kept)),
    describe: () => [selection.reason, ...sources.map((source) => source.label)].join('\n'),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** The kernels of a selection for contiguous tensors. */
function planSources({ config, splits }: Selection): KernelSource[] {
  const { headDim, headDimV, qType } = config;
  const read = headDim % 4 === 0 && headDimV % 4 === 0 ? 'vec4' : 'scalar';
  const write = (type: ForwardConfig['outType']): ForwardConfig['write'] => {
    if (headDimV % 4 === 0) return 'vec4';
    return type === 'f16' && headDimV % 2 === 0 ? 'pair' : 'scalar';
  };
  const partType = splits === 1 ? qType : 'f32';
  const forward = forwardSource({ ...config, outType: partType, read, write: write(partType) });
  if (splits === 1) return [forward];
  const partRead = headDimV % 4 === 0 ? 'vec4' : 'scalar';
  const combine = { headDimV, partType, outType: qType, read: partRead, write: write(qType), source: 'splits' } as const;
  return [forward, combineSource(combine)];
}

function callOf(problem: AttentionProblem, { q, k, v, ...options }: AttentionTensors): Call {
  const fn = 'plan.run';
  if (problem.layout === 'dense') return denseCall(fn, q, k, v, options);
  return varlenCall(fn, q, k, v, options as VarlenLayout & AttentionOptions);
}

const MATCHED = ['dtype', 'kvDtype', 'headDim', 'headDimV', 'lengths', 'keys', 'softcap', 'alibi'] as const;

/** A plan's kernel serves every size and every option value, but not another dtype, head dim, layout or option kind. */
function checkMatch(planned: ProblemFacts, got: ProblemFacts): void {
  for (const name of MATCHED) {
    if (planned[name] !== got[name]) {
      fail('plan.run', `this plan was made for ${name} = ${planned[name]}`, String(got[name]), 'Make a plan for this problem.');
    }
  }
  const ratio = ({ qHeads, kvHeads }: ProblemFacts): number => qHeads / kvHeads;
  if (ratio(planned) !== ratio(got)) {
    fail('plan.run', `this plan was made for ${ratio(planned)} query heads per kv head`, String(ratio(got)), 'Make a plan for this problem.');
  }
}
