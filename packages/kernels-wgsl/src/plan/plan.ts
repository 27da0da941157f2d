import { DisposedError, type Gpu, type Tensor } from '@heed/core';
import { assertUsable } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import { fail, show } from '../api/checks/fail.ts';
import { denseCall } from '../api/dense-call.ts';
import type { AttentionOptions, AttentionResult, VarlenLayout } from '../api/options.ts';
import { varlenCall } from '../api/varlen-call.ts';
import { gatherSource } from '../kernels/gather/gather.wgsl.ts';
import { runForward } from '../run/forward.ts';
import { KeptScratch, passTarget, recorderTarget } from '../run/target.ts';
import { checkProblem } from './check.ts';
import { checkMatch } from './match.ts';
import { type AttentionProblem, factsOfCall, factsOfProblem } from './problem.ts';
import { select } from './select.ts';
import { planSources } from './sources.ts';
import { warmup, type WarmupOptions } from './warmup.ts';

/** What a plan runs on: the tensors, and the values of the options that its problem named. */
export interface AttentionTensors extends AttentionOptions, Partial<VarlenLayout> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** A kernel choice that can be made, compiled and looked at before there is any data. */
export interface AttentionPlan extends Disposable {
  readonly problem: AttentionProblem;
  /** The generated attention kernel, for contiguous tensors. */
  readonly wgsl: string;
  /**
   * Compiles off the hot path, and runs each kernel once over nothing, since some drivers compile at the first dispatch.
   * After it, runs over contiguous tensors compile nothing.
   * @throws CompileError what the adapter's compiler refused
   */
  warmup(options?: WarmupOptions): Promise<void>;
  /**
   * Dispatches, like `attention` or `varlenAttention`.
   * @throws as those do, and ValidationError for data that the plan was not made for
   */
  run(tensors: AttentionTensors): AttentionResult;
  /**
   * Records into a compute pass of yours, which you end and submit. Scratch memory stays with the plan until `dispose`;
   * dispose plan and tensors only after the submit.
   */
  encode(pass: GPUComputePassEncoder, tensors: AttentionTensors): AttentionResult;
  /** Why this kernel, with its tiles and its identity: a line, then one per kernel. */
  describe(): string;
  /** Frees scratch memory. Kernels stay cached with the device. */
  dispose(): void;
}

/**
 * Selects the kernel for a problem. Plans are light: kernels are cached per device, and two plans of one problem share them.
 *
 * @throws ValidationError a problem that cannot be
 * @throws UnsupportedError `backward: true`, or what this device cannot do
 * @example
 * const problem = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
 * using plan = planAttention(gpu, problem);
 * await plan.warmup();
 * const { out } = plan.run({ q, k, v, causal: true });
 */
export function planAttention(gpu: Gpu, problem: AttentionProblem): AttentionPlan {
  assertUsable(gpu);
  checkProblem(problem);
  const { capabilities, tuning } = gpu;
  const facts = factsOfProblem(problem);
  const selection = select(facts, capabilities, tuning);
  const sources = planSources(problem, selection, !capabilities.f16);
  const kept = new KeptScratch();
  let disposed = false;

  const alive = (fn: string): void => {
    if (disposed) throw new DisposedError(`${fn}: this plan was disposed. Make another one.`);
  };
  const checked = (fn: string, tensors: AttentionTensors): Call => {
    alive(fn);
    const call = callOf(fn, gpu, problem, tensors);
    checkMatch(fn, facts, factsOfCall(call), tensors.numSplits);
    return call;
  };
  const dispose = (): void => {
    disposed = true;
    kept.dispose();
  };
  return {
    problem,
    wgsl: sources[0]!.code,
    warmup: async (options) => {
      alive('plan.warmup');
      // Lengths and tables from the GPU are gathered, which no problem tells beforehand.
      await warmup(gpu, [...sources, gatherSource], options);
    },
    run: (tensors) => {
      const call = checked('plan.run', tensors);
      return gpu.batch(() => runForward(call, selection, recorderTarget(gpu)));
    },
    encode: (pass, tensors) => {
      const call = checked('plan.encode', tensors);
      return runForward(call, selection, passTarget(gpu, pass, kept));
    },
    describe: () => [selection.reason, ...sources.map((source) => source.label)].join('\n'),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

function callOf(
  fn: string,
  gpu: Gpu,
  { layout }: AttentionProblem,
  tensors: AttentionTensors,
): Call {
  if (tensors === null || typeof tensors !== 'object') {
    fail(fn, 'an object with q, k, v and options is needed', show(tensors), 'Pass { q, k, v }.');
  }
  const { q, k, v, ...options } = tensors;
  if (layout === 'paged' && options.blockTable === undefined) {
    fail(
      fn,
      'this plan was made for paged keys, which need blockTable',
      'undefined',
      'Pass blockTable and seqUsedK.',
    );
  }
  const call =
    layout === 'dense'
      ? denseCall(fn, q, k, v, options)
      : varlenCall(fn, q, k, v, options as VarlenLayout & AttentionOptions);
  if (call.gpu !== gpu) {
    fail(
      fn,
      "tensors must belong to the plan's Gpu",
      'those of another',
      'Make a plan for their Gpu.',
    );
  }
  return call;
}
