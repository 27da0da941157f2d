import { model } from '../models.ts';

const row = (name: string, width = 8): { name: string; shape: number[] } => ({
  name,
  shape: [1, 16, width],
});

/** x [1, 16, 24] → q, k, v [1, 16, 8]. */
export const before: Uint8Array = model(
  [{ op: 'Split', inputs: ['x'], outputs: ['q', 'k', 'v'], ints: { axis: 2, num_outputs: 3 } }],
  [row('x', 24)],
  [row('q'), row('k'), row('v')],
);

/** attended [1, 16, 8] → y, its tanh. */
export const after: Uint8Array = model(
  [{ op: 'Tanh', inputs: ['attended'], outputs: ['y'] }],
  [row('attended')],
  [row('y')],
);
