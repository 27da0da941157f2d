import type { BufferRange } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import { NONE, type ParamValues } from '../wgsl/params.ts';
import { packWords } from './pack-words.ts';
import type { Target } from './target.ts';

/** The tables behind the `captures` binding: what the hooks read, then the sinks. */
export interface BoundCaptures {
  readonly range: BufferRange;
  /** The params of all hooks, and where the sinks are. */
  readonly values: ParamValues;
  release(): void;
}

export function bindCaptures(
  target: Target,
  { hooks, options }: Pick<Call, 'hooks' | 'options'>,
  withGradients = false,
): BoundCaptures {
  const { sinks } = options;
  const tables = hooks.flatMap((bound) => bound.tables);
  const all = sinks ? [...tables, sinks] : tables;
  const { range, places, release } = packWords(target, 'captures', all);
  let next = 0;
  const values = hooks.map((bound) => {
    const first = next;
    next += bound.tables.length;
    const own = places.slice(first, next);
    return { ...bound.values(own), ...(withGradients && bound.gradientValues?.(own)) };
  });
  const sinkPlace = sinks && places[next]!;
  const sinkValues = {
    sinks: sinkPlace?.offset ?? NONE,
    sinks_head: sinkPlace?.strides[0] ?? 0,
  };
  return { range, values: Object.assign({}, ...values, sinkValues) as ParamValues, release };
}
