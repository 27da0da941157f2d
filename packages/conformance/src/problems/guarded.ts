import type { Tensor } from '@heed/core';
import { holds, type Check } from '../budget/checks.ts';
import type { FloatDType } from '../numerics/storage.ts';
import { filled, sizeOf, unravel } from '../reference/nd-array.ts';
import { download, uploadArray } from './launch.ts';
import type { Scope } from './scope.ts';

const sentinel = -24.5;

/** A destination inside a larger tensor, and the check that nothing around it was written. */
export interface Guarded {
  readonly out: Tensor;
  readonly untouched: () => Promise<Check>;
}

/** Margins of a guarded destination: rows of axis 0 and elements of the last axis, before and after. */
export interface Margins {
  readonly rows?: readonly [before: number, after: number];
  readonly columns?: readonly [before: number, after: number];
}

/** Makes a destination of the given shape with sentinels around it, in the same buffer. */
export function guardedOut(
  scope: Scope,
  shape: readonly number[],
  dtype: FloatDType,
  margins: Margins = {},
): Guarded {
  const { rows = [3, 3], columns = [0, 0] } = margins;
  const last = shape.length - 1;
  const margin = (axis: number): readonly [number, number] => [
    (axis === 0 ? rows[0] : 0) + (axis === last ? columns[0] : 0),
    (axis === 0 ? rows[1] : 0) + (axis === last ? columns[1] : 0),
  ];
  const outer = shape.map((n, axis) => margin(axis)[0] + n + margin(axis)[1]);
  const frame = uploadArray(scope, filled(outer, sentinel), dtype, 'guarded out');
  const out = [0, last].reduce(
    (view, axis) => view.slice(axis, margin(axis)[0], margin(axis)[0] + (shape[axis] ?? 0)),
    frame,
  );
  const inside = (index: readonly number[]): boolean =>
    index.every((i, axis) => i >= margin(axis)[0] && i < margin(axis)[0] + (shape[axis] ?? 0));
  return {
    out,
    async untouched(): Promise<Check> {
      const { data } = await download(frame, 'frame');
      for (let flat = 0; flat < sizeOf(outer); flat++) {
        if (data[flat] === sentinel) continue;
        const index = unravel(flat, outer);
        if (!inside(index))
          return holds(
            'memory around out',
            false,
            `[${index.join(', ')}] of [${outer.join(', ')}] is now ${data[flat]}`,
          );
      }
      return holds('memory around out', true, '');
    },
  };
}
