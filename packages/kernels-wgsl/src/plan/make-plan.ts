import { DisposedError, type Gpu } from '@heed/core';
import { fail, type KernelSource, warmup, type WarmupOptions } from '@heed/core/kernel';
import type { Forward } from '../api/differentiable.ts';
import { type Call, factsOfCall } from '../host/attention-call.ts';
import type { AttentionResult } from '../host/attention-options.ts';
import { runForward } from '../host/forward-pass.ts';
import { KeptScratch, passTarget, recorderTarget } from '../host/launch-target.ts';
import { gatherSource } from '../host/word-kernels.ts';
import type { ProblemFacts } from '../select/problem-facts.ts';
import { select } from '../select/selection.ts';
import type { VariantHooks } from '../text/parts/hook.ts';
import {
  type AttentionProblem,
  type AttentionTensors,
  factsOfProblem,
} from './attention-problem.ts';
import { backwardReasons, backwardSources, planSources } from './plan-sources.ts';

/** A kernel choice that can be made, compiled and looked at before there is any data. */
export interface AttentionPlan<
  Tensors = AttentionTensors,
  Result = AttentionResult,
> extends Disposable {
  readonly problem: AttentionProblem;
  /** The generated attention kernel, for contiguous tensors. */
  readonly wgsl: string;
  /**
   * Compiles off the hot path, and runs each kernel once over nothing, since some drivers compile at the first dispatch.
   * After it, runs over contiguous tensors compile nothing, nor do their gradients.
   * @throws CompileError what the adapter's compiler refused
   */
  warmup(options?: WarmupOptions): Promise<void>;
  /**
   * Dispatches, like the function that the plan stands for.
   * @throws as that does, and ValidationError for data that the plan was not made for
   */
  run(tensors: Tensors): Result;
  /**
   * Records into a compute pass of yours, which you end and submit; forward only. Scratch memory stays with the plan until `dispose`;
   * dispose plan and tensors only after the submit.
   */
  encode(pass: GPUComputePassEncoder, tensors: Tensors): AttentionResult;
  /** Why these tiles: a line for the forward pass, with `backward` one for each gradient; then the identity of each kernel. */
  describe(): string;
  /** Frees scratch memory. Kernels stay cached with the device. */
  dispose(): void;
}

/** What makes one kind of plan. */
interface PlanParts<Tensors, Result> {
  readonly problem: AttentionProblem;
  readonly hooks: VariantHooks;
  /** Makes and checks the call for some tensors, in the name of a function. */
  readonly callOf: (fn: string, tensors: Tensors) => Call;
  /** What a run gives: the forward pass of a call, or that and its gradient. */
  readonly resultOf: (call: Call, forward: Forward) => Result;
  /** With `backward`: whether the tables of the score hook get a gradient; default true. */
  readonly withTables?: boolean;
  /** Kernels that a run may need besides attention's own, for the warm-up. */
  readonly extra?: readonly KernelSource[];
}

/** The plan of a checked problem. */
export function makePlan<
  Tensors extends { readonly numSplits?: number | 'auto' },
  Result extends AttentionResult,
>(
  gpu: Gpu,
  { problem, hooks, callOf, resultOf, withTables = true, extra = [] }: PlanParts<Tensors, Result>,
): AttentionPlan<Tensors, Result> {
  const { capabilities, tuning } = gpu;
  const facts = factsOfProblem(problem, hooks);
  const selection = select(facts, capabilities, tuning);
  const sources = [
    ...planSources(problem, selection, !capabilities.f16),
    ...(problem.backward ? backwardSources(gpu, problem, hooks, withTables) : []),
  ];
  const reasons = [
    selection.reason,
    ...(problem.backward ? backwardReasons(gpu, facts, withTables) : []),
  ];
  const kept = new KeptScratch();
  let disposed = false;

  const alive = (fn: string): void => {
    if (disposed) throw new DisposedError(`${fn}: this plan was disposed. Make another one.`);
  };
  const checked = (fn: string, tensors: Tensors): Call => {
    alive(fn);
    const call = callOf(fn, tensors);
    if (call.gpu !== gpu) {
      const rule = "tensors must belong to the plan's Gpu";
      fail(fn, rule, 'those of another', 'Make a plan for their Gpu.');
    }
    checkMatch(fn, facts, factsOfCall(call), call.options.numSplits);
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
      const fn = 'plan.warmup';
      alive(fn);
      // Lengths and tables from the GPU are gathered, which no problem tells beforehand.
      await warmup(gpu, [...sources, gatherSource, ...extra], options, fn);
    },
    run: (tensors) =>
      resultOf(checked('plan.run', tensors), (call, keepsStates) =>
        gpu.batch(() => runForward(call, selection, recorderTarget(gpu), keepsStates)),
      ),
    encode: (pass, tensors) => {
      const call = checked('plan.encode', tensors);
      return runForward(call, selection, passTarget(gpu, pass, kept));
    },
    describe: () => [...reasons, ...sources.map((source) => source.label)].join('\n'),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

const MATCHED = ['dtype', 'kvDtype', 'headDim', 'headDimV', 'lengths', 'keys'] as const;

/**
 * A plan's kernel serves every size and every option value, but not another dtype, head dim, head ratio, layout or option
 * kind. `numSplits` is part of the plan; a run need not repeat it.
 */
export function checkMatch(
  fn: string,
  planned: ProblemFacts,
  got: ProblemFacts,
  numSplits: number | 'auto' | undefined,
): void {
  for (const name of MATCHED) differ(fn, name, planned[name], got[name]);
  differ(fn, 'hooks', planned.hooks.key, got.hooks.key);
  differ(fn, 'query heads per kv head', headRatio(planned), headRatio(got));
  differ(fn, 'numSplits', planned.numSplits, numSplits ?? planned.numSplits);
}

function differ(fn: string, name: string, planned: unknown, got: unknown): void {
  if (Object.is(planned, got)) return;
  const fix = 'Make a plan for this problem.';
  fail(fn, `this plan was made for ${name} = ${String(planned)}`, String(got), fix);
}

function headRatio({ qHeads, kvHeads }: ProblemFacts): number {
  return qHeads / kvHeads;
}
