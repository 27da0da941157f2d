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
  /** Gives back what was gathered for this run, once it is dispatched. */
  release(): void;
}

/** Brings the tables of all hooks, and the sinks, into the one binding `captures`. */
export function bindCaptures(
  target: Target,
  { hooks, options }: Pick<Call, 'hooks' | 'options'>,
  withGradients = false,
): BoundCaptures {
  const { sinks } = options;
  const tables = hooks.flatMap((bound) => bound.tables);
  const all = sinks ? [...tables, sinks] : tables;
  const { range, places, release } = packWords(target, 'captures', all);
  const values: Record<string, number> = {};
  let next = 0;
  for (const bound of hooks) {
    const own = places.slice(next, (next += bound.tables.length));
    Object.assign(values, bound.values(own), withGradients && bound.gradientValues?.(own));
  }
  const place = sinks && places[next]!;
  values['sinks'] = place?.offset ?? NONE;
  values['sinks_head'] = place?.strides[0] ?? 0;
  return { range, values, release };
}
