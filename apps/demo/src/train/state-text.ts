import type { Curves } from './curves.ts';
import type { RunState } from './run.ts';

/** What to say of a state; undefined to leave what was said. */
export function stateText(state: RunState, curves: Curves | undefined): string | undefined {
  const step = curves?.train.at(-1)?.step ?? 0;
  switch (state) {
    case 'opening':
      return 'Compiling shaders; the first step takes a moment.';
    case 'running':
      return `Training from step ${step}.`;
    case 'comparing':
      return 'Measuring packing against padding.';
    case 'done': {
      const last = curves?.heldOut.at(-1)?.bits ?? Infinity;
      const bigram = curves?.bigram ?? 0;
      const verdict = last < bigram ? 'beats' : 'does not beat';
      return `Done: ${last.toFixed(2)} bits per byte of held-out text, which ${verdict} the bigram baseline of ${bigram.toFixed(2)}. The Serve room can use it.`;
    }
    default:
      return undefined;
  }
}
