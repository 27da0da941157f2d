import type { DType, Tensor } from '@heed/core';
import { assertUsable, checkTensor, fail, floatTypes, formatShape, show } from '@heed/core/kernel';
import type { AttentionResult } from '../host/attention-options.ts';
import { combine, type State } from '../host/combine.ts';
import { recorderTarget, type Target } from '../host/launch-target.ts';

/**
 * Merges the results of attention over disjoint sets of keys into attention over all keys, pairwise and in order.
 * A state without keys (lse −∞) changes nothing; two such states merge to (0, −∞). Pass sinks to one part only.
 *
 * @param states out [B, H, L, D] with lse [B, H, L], or out [T, H, D] with lse [H, T]; lse f32, natural log
 * @throws ValidationError no states, or states of different shapes or dtypes
 * @example
 * const near = attention(q, k1, v1, { returnLse: true });
 * const far = attention(q, k2, v2, { returnLse: true });
 * const { out, lse } = mergeStates([near, far]);
 */
export function mergeStates<D extends DType>(
  states: readonly { out: Tensor<D>; lse?: Tensor }[],
): AttentionResult<D, true> {
  const [first, ...rest] = checkStates(states);
  const { gpu } = first.out;
  const out = gpu.empty(first.out.shape, { dtype: first.out.dtype, label: 'heed/merged out' });
  const lse = gpu.empty(first.lse.shape, { label: 'heed/merged lse' });
  gpu.batch(() => fold(recorderTarget(gpu), first, rest, { out, lse }));
  return { out: out as Tensor<D>, lse };
}

function fold(target: Target, first: State, rest: readonly State[], result: State): void {
  if (rest.length === 0) {
    combine(target, { part: asPart(first), ...result });
    return;
  }
  let merged = first;
  rest.forEach((other, i) => {
    const last = i === rest.length - 1;
    const into = last ? result : intermediate(target, result);
    combine(target, { part: asPart(merged), other, ...into });
    if (merged !== first) release(target, merged);
    merged = into;
  });
}

function intermediate(target: Target, { out, lse }: State): State {
  return {
    out: target.scratch('merged out', out.shape, out.dtype),
    lse: target.scratch('merged lse', lse.shape),
  };
}

function release(target: Target, { out, lse }: State): void {
  target.free(out);
  target.free(lse);
}

/** Views a state as a list of one part. */
function asPart({ out, lse }: State): State {
  return { out: out.reshape([1, ...out.shape]), lse: lse.reshape([1, ...lse.shape]) };
}

function checkStates(states: readonly { out: Tensor; lse?: Tensor }[]): [State, ...State[]] {
  const fn = 'mergeStates';
  if (!Array.isArray(states) || states.length === 0) {
    fail(
      fn,
      'states must be a list of at least one { out, lse }',
      show(states),
      'Get them with returnLse: true.',
    );
  }
  // Each is read once.
  const given = states.map((state: Partial<State> | undefined) => ({
    out: state?.out,
    lse: state?.lse,
  }));
  const checked = given.map((state, i) => checkState(fn, i, state, given[0]!.out));
  return checked as [State, ...State[]];
}

function checkState(
  fn: string,
  i: number,
  state: { readonly out: Tensor | undefined; readonly lse: Tensor | undefined },
  first: Tensor | undefined,
): State {
  const name = `states[${i}]`;
  const out = checkTensor(fn, `${name}.out`, state.out, { rank: [3, 4], dtype: floatTypes });
  assertUsable(out.gpu);
  const model = first ?? out;
  checkTensor(fn, `${name}.out`, out, { gpu: model.gpu, dtype: [model.dtype] });
  if (formatShape(out.shape) !== formatShape(model.shape)) {
    fail(
      fn,
      'all states must have the same out shape',
      `${formatShape(model.shape)} and ${name}.out ${formatShape(out.shape)}`,
      'Merge states of the same queries.',
    );
  }
  if (out.shape.at(-1) === 0) {
    fail(fn, `${name}.out must have columns`, formatShape(out.shape), 'Merge states of attention.');
  }
  const lse = checkTensor(fn, `${name}.lse`, state.lse, { dtype: ['f32'], gpu: out.gpu });
  const [a, b, c] = out.shape;
  const wanted = out.shape.length === 4 ? [a!, b!, c!] : [b!, a!];
  if (formatShape(lse.shape) !== formatShape(wanted)) {
    fail(
      fn,
      `${name}.lse must be ${formatShape(wanted)} for out ${formatShape(out.shape)}`,
      formatShape(lse.shape),
      'Pass the lse that came with this out.',
    );
  }
  return { out, lse };
}
