import { DisposedError, type Gpu } from '@heed/core';
import {
  type BoundDispatch,
  encodeBound,
  fail,
  warmup,
  type WarmupOptions,
} from '@heed/core/kernel';
import { checkDifferentiable, type Forward } from '../api/differentiable.ts';
import { type Call, factsOfCall, type FloatCall } from '../host/attention-call.ts';
import type { AttentionResult } from '../host/attention-options.ts';
import { runBackward } from '../host/backward-pass.ts';
import type { GradientTiles } from '../host/backward-launch.ts';
import { cannotCascade, explainCascade, sampleCascade } from '../host/cascade-plan.ts';
import { runForward } from '../host/forward-pass.ts';
import { boundTarget, KeptScratch, kernelsOf, recorderTarget } from '../host/launch-target.ts';
import { gatherSource } from '../host/word-kernels.ts';
import type { ProblemFacts } from '../select/problem-facts.ts';
import { select, selectBackward } from '../select/selection.ts';
import { type AttentionProblem, type AttentionTensors, shapeTensors } from './attention-problem.ts';
import { type AttentionRecording, makeRecording } from './attention-recording.ts';

/** A kernel selection that can be made, compiled and inspected before there is any data. */
export interface AttentionPlan<
  Tensors = AttentionTensors,
  Result = AttentionResult,
> extends Disposable {
  readonly problem: AttentionProblem;
  /** The generated attention kernel, for contiguous tensors. */
  readonly wgsl: string;
  /**
   * Compiles off the hot path, and dispatches each kernel once over no elements, since some drivers compile at the first
   * dispatch. Afterwards, runs over contiguous tensors and their gradients compile nothing.
   * @throws CompileError a kernel that the adapter's compiler refused
   */
  warmup(options?: WarmupOptions): Promise<void>;
  /**
   * Dispatches the kernels, like the function that the plan was made for.
   * @throws as that function, and ValidationError for data that do not fit the plan
   */
  run(tensors: Tensors): Result;
  /**
   * Records the forward pass into the caller's compute pass; the caller ends and submits it. The plan keeps scratch memory until
   * `dispose`. Dispose the plan and the tensors only after the submit.
   */
  encode(pass: GPUComputePassEncoder, tensors: Tensors): AttentionResult;
  /**
   * Checks and binds the forward pass once, for steps that repeat with the same tensors, such as decoding. Each replay reads the
   * tensors anew: lengths, block tables, captures, sinks and slopes. Numbers (scale, window, softcap) stay as they are now.
   * @throws as `run`, and ValidationError for lengths or a block table in an Int32Array
   */
  record(tensors: Tensors): AttentionRecording;
  /** Explains the selected tiles: a line for the forward pass, with `backward` one per gradient; then each kernel's identity. */
  describe(): string;
  /** Frees scratch memory. Kernels stay cached with the device. */
  dispose(): void;
}

/** The functions that make one kind of plan. */
interface PlanParts<Tensors, Result> {
  /** Name of the public function that makes the plan, for error messages. */
  readonly fn: string;
  readonly problem: AttentionProblem;
  /** Makes and checks the call for the given tensors; error messages name `fn`. */
  readonly callOf: (fn: string, tensors: Tensors | AttentionTensors) => Call;
  /** Returns the result of a run: the forward pass of a call, with `backward` also its gradient. */
  readonly resultOf: (call: Call, forward: Forward) => Result;
  /** With `backward`: whether the tables of the score hook get a gradient; default true. */
  readonly withTables?: boolean;
}

/**
 * Makes the plan of a problem. It makes a call with the problem's shapes, and selects the kernels that the call would launch.
 * @throws ValidationError @throws UnsupportedError as that call
 */
export function makePlan<
  Tensors extends { readonly numSplits?: number | 'auto' },
  Result extends AttentionResult,
>(
  gpu: Gpu,
  { fn, problem, callOf, resultOf, withTables = true }: PlanParts<Tensors, Result>,
): AttentionPlan<Tensors, Result> {
  const { capabilities, tuning } = gpu;
  const planned = callOf(fn, shapeTensors(gpu, problem));
  if (problem.backward) checkDifferentiable(planned);
  const facts = factsOfCall(planned, problem.backward);
  const selection = select(facts, capabilities, tuning);
  const reasons = new Set([selection.reason]);
  const tileOf: GradientTiles = (of) => {
    const { tile, reason } = selectBackward(facts, of, capabilities, tuning);
    reasons.add(reason);
    return tile;
  };
  const noCascade = cannotCascade(facts, selection, tuning?.force?.path);
  const kernels = kernelsOf(gpu, (target) => {
    const tensors = shapeTensors(gpu, withoutEmptyAxes(problem));
    const call = callOf(fn, withUsedLengths(problem, tensors));
    runForward(call, selection, target);
    if (problem.cascade) {
      const passes = noCascade === undefined ? sampleCascade(call, facts) : undefined;
      if (passes) runForward(call, passes.suffix, target, false, passes);
      reasons.add(passes ? explainCascade(passes) : `no cascade: ${noCascade}`);
    }
    if (!problem.backward) return;
    const { out, lse, states } = runForward(call, selection, target, true);
    const state = { out, lse: lse!, states: states!, dOut: out, dLse: undefined };
    runBackward(call as FloatCall, state, target, withTables, tileOf);
  });
  const kept = new KeptScratch();
  let disposed = false;

  const alive = (caller: string): void => {
    if (disposed) throw new DisposedError(`${caller}: this plan was disposed. Make another one.`);
  };
  const checked = (caller: string, tensors: Tensors): Call => {
    alive(caller);
    const call = callOf(caller, tensors);
    if (call.gpu !== gpu) {
      const rule = "tensors must belong to the plan's Gpu";
      fail(caller, rule, 'those of another', 'Make a plan for their Gpu.');
    }
    checkMatch(caller, facts, factsOfCall(call), call.options.numSplits);
    return call;
  };
  const dispose = (): void => {
    disposed = true;
    kept.dispose();
  };
  return {
    problem,
    wgsl: kernels.own[0]!.code,
    warmup: async (options) => {
      alive('plan.warmup');
      // Whether lists and tables on the GPU must be gathered depends on their buffers, which only a run has.
      const preparing = new Set([gatherSource, ...kernels.preparing]);
      await warmup(gpu, [...kernels.own, ...preparing], options, 'plan.warmup');
    },
    run: (tensors) =>
      resultOf(checked('plan.run', tensors), (call, keepsStates) =>
        gpu.batch(() => runForward(call, selection, recorderTarget(gpu), keepsStates)),
      ),
    encode: (pass, tensors) => {
      const call = checked('plan.encode', tensors);
      const dispatches: BoundDispatch[] = [];
      const result = runForward(call, selection, boundTarget(gpu, dispatches, kept));
      encodeBound(gpu, pass, dispatches);
      return result;
    },
    record: (tensors) => makeRecording(checked('plan.record', tensors), selection),
    describe: () => [...reasons, ...kernels.own.map(({ label }) => label)].join('\n'),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** Replaces empty axes by non-empty ones: an empty call launches no kernel, and no kernel depends on a size. */
function withoutEmptyAxes(problem: AttentionProblem): AttentionProblem {
  const { q, k, v = k, selectedKeys, sequences = 1 } = problem;
  const filled = (shape: readonly number[]): number[] => shape.map((n) => n || 1);
  const heads = q[1] || k[problem.layout === 'paged' ? 2 : 1] || 1;
  return {
    ...problem,
    q: filled(q).with(1, heads),
    k: filled(k),
    v: filled(v),
    ...(selectedKeys && { selectedKeys: filled(selectedKeys) }),
    sequences: sequences || 1,
  };
}

/** Adds used lengths, since any run may pass them; the gradients of unused keys are then filled with zeros. */
function withUsedLengths(
  { layout }: AttentionProblem,
  tensors: AttentionTensors,
): AttentionTensors {
  if (layout !== 'dense') return tensors;
  const { q, k } = tensors;
  return { ...tensors, seqUsedK: new Int32Array(q.shape[0]!).fill(k.shape[2]!) };
}

const MATCHED = ['dtype', 'headDim', 'headDimV', 'lengths', 'keys'] as const;

/**
 * Checks that a run fits the plan. A plan's kernel supports every size and option value, but only one dtype, head dim, head
 * ratio, layout and set of options. `numSplits` is part of the plan; a run need not repeat it.
 */
export function checkMatch(
  fn: string,
  planned: ProblemFacts,
  got: ProblemFacts,
  numSplits: number | 'auto' | undefined,
): void {
  for (const name of MATCHED) differ(fn, name, planned[name], got[name]);
  differ(fn, 'format', planned.kvDtype, got.kvDtype);
  differ(fn, 'formatV', planned.vDtype ?? planned.kvDtype, got.vDtype ?? got.kvDtype);
  differ(fn, 'keys per entry of selectedKeys', planned.selectedBlock, got.selectedBlock);
  differ(fn, 'rows that share a list of selectedKeys', planned.listRows, got.listRows);
  // A kernel that reads k and v reads one memory too.
  if (planned.sharedKv) differ(fn, 'sharedKv', true, got.sharedKv);
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
