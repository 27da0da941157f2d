import type { Tensor } from '@heed/core';
import { elementCount } from '@heed/core/kernel';
import { selectBackward } from '../select/selection.ts';
import type { ScoreHook } from '../text/parts/hook.ts';
import type { TileConfig } from '../text/tiles/tile-paths.ts';
import { type Call, factsOfCall, type FloatCall } from './attention-call.ts';
import { type Data, type GradientTiles, launch } from './backward-launch.ts';
import { keyGradients } from './key-gradients.ts';
import type { Target } from './launch-target.ts';
import { queryAxes, writeAccess } from './memory-layout.ts';
import type { BoundHook } from './options/attention-option.ts';
import { headScale } from './options/scale.ts';
import { headSoftcap } from './options/softcap-option.ts';
import { bindCaptures, bindLengths } from './packed-words.ts';
import { type ForwardState, rowStates } from './row-states.ts';
import { sinkGradients } from './sink-gradients.ts';
import { tableGradients } from './table-gradients.ts';

/** Gradients with respect to the operands, in the operands' shapes and dtypes. */
export interface Gradients {
  readonly dq: Tensor;
  /** Through the scores. Of a view with `sharedKv`, of the one memory: dv is added to the first columns. */
  readonly dk: Tensor;
  /** Through the values. */
  readonly dv: Tensor;
  /** f32 [Hq]; present if the call has sinks. */
  readonly dSinks?: Tensor;
  /** f32, in the shape of scale, if that is a tensor. */
  readonly dScale?: Tensor;
}

/** Gradients, and those with respect to the tables of the last score hook of a variant, indexed as the tables are. */
export interface AllGradients extends Gradients {
  /** f32, in the shape of softcap, if that is a tensor. */
  readonly dSoftcap?: Tensor;
  readonly tables: readonly (Tensor | undefined)[];
}

/**
 * Runs the backward kernels of a checked call.
 * @param tiles default: the tiles that the call's problem selects
 */
export function runBackward(
  call: FloatCall,
  state: ForwardState,
  target: Target,
  withTables: boolean,
  tiles: GradientTiles = selectedTiles(call),
): AllGradients {
  return withData(call, state, target, tiles, (data) => {
    const dSinks = call.options.sinks && sinkGradients(target, call, data.side);
    return {
      dq: queryGradient(call, data, target),
      ...keyGradients(call, data, target),
      ...(dSinks && { dSinks }),
      ...ofTables(call, withTables, data, target),
    };
  });
}

/** Computes the gradients of scale and softcap, if they are tensors, and with `withTables` those of the last other score hook's tables. */
function ofTables(
  call: FloatCall,
  withTables: boolean,
  data: Data,
  target: Target,
): Pick<AllGradients, 'dScale' | 'dSoftcap' | 'tables'> {
  const boundTo = (hook: ScoreHook): BoundHook | undefined =>
    call.hooks.find((bound) => bound.hook === hook);
  const [scale, softcap] = [boundTo(headScale), boundTo(headSoftcap)];
  const last = withTables
    ? call.hooks.findLast(
        (bound) => bound.hook.kind === 'score' && bound !== scale && bound !== softcap,
      )
    : undefined;
  const wanted = [scale, softcap, last].filter((bound) => bound !== undefined);
  const gradients = tableGradients(call, wanted, data, target);
  const of = (bound: BoundHook | undefined) => (bound && gradients.get(bound)) ?? [];
  const [dScale, dSoftcap] = [of(scale)[0], of(softcap)[0]];
  return { ...(dScale && { dScale }), ...(dSoftcap && { dSoftcap }), tables: of(last) };
}

/** Runs one backward kernel with a given tile; returns dq, or dk and dv. */
export function runGradient(
  of: 'q' | 'kv',
  call: FloatCall,
  state: ForwardState,
  target: Target,
  tile: TileConfig,
): Tensor[] {
  return withData(
    call,
    state,
    target,
    () => tile,
    (data) => {
      if (of === 'q') return [queryGradient(call, data, target)];
      const { dk, dv } = keyGradients(call, data, target);
      return [dk, dv];
    },
  );
}

function selectedTiles(call: FloatCall): GradientTiles {
  const { capabilities, tuning } = call.gpu;
  const facts = factsOfCall(call);
  return (of) => selectBackward(facts, of, capabilities, tuning).tile;
}

/** Binds the data that backward kernels read, and releases it after `work`. */
function withData<T>(
  call: FloatCall,
  state: ForwardState,
  target: Target,
  tiles: GradientTiles,
  work: (data: Data) => T,
): T {
  const side = bindLengths(target, call, rowStates(state));
  const captures = bindCaptures(target, call, true);
  const result = work({ dOut: state.dOut, side, captures, tiles });
  side.release();
  captures.release();
  return result;
}

function queryGradient(call: Call, data: Data, target: Target): Tensor {
  const { q, dtype } = call;
  const dq = target.result('dq', q.shape, dtype);
  const work = {
    ...data,
    of: 'q',
    whole: dq,
    results: { out: dq },
    axes: queryAxes(call),
  } as const;
  if (elementCount(dq.shape) > 0) launch(call, work, dtype, writeAccess(dq), target);
  return dq;
}
