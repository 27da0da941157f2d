import { element } from '../../frame/element.ts';
import type { Memory } from '../model/session.ts';
import type { TrainingEvent } from '../model/training.ts';

/** The numbers of a run. */
export interface Facts {
  readonly element: HTMLElement;
  readonly begin: (bigram: number, steps: number) => void;
  readonly show: (event: TrainingEvent, memory: Memory) => void;
}

const names = ['Step', 'Held-out bits per byte', 'Bigram baseline', 'Tokens/s', 'Memory'] as const;

/** Speed is that of the last steps. */
const RECENT = 10;

export function createFacts(): Facts {
  const values = names.map(() => element('dd', {}, '–'));
  const [step, heldOut, baseline, speed, held] = values as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];
  let bigram = Infinity;
  let steps = 0;
  let recent: { readonly tokens: number; readonly seconds: number }[] = [];
  return {
    element: element(
      'dl',
      { class: 'facts', 'aria-label': 'The run' },
      ...names.map((name, i) => element('div', {}, element('dt', {}, name), values[i]!)),
    ),
    begin: (baselineBits, allSteps) => {
      [bigram, steps, recent] = [baselineBits, allSteps, []];
      for (const value of values) value.textContent = '…';
      heldOut.className = '';
      baseline.textContent = bigram.toFixed(2);
      step.textContent = `0 of ${steps}`;
    },
    show: (event, memory) => {
      held.textContent = `${(memory.bytes / 2 ** 20).toFixed(0)} MiB`;
      held.title = `${memory.tensors} tensors of TensorFlow.js`;
      if (event.kind === 'evaluation') {
        const beats = event.bits < bigram;
        heldOut.textContent = `${event.bits.toFixed(2)}${beats ? ' ✓' : ''}`;
        heldOut.title = beats ? 'Better than the bigram baseline' : '';
        heldOut.className = beats ? 'good' : '';
      } else if (event.kind === 'step') {
        step.textContent = `${event.step} of ${steps}`;
        recent = [...recent, event].slice(-RECENT);
        const seconds = recent.reduce((sum, each) => sum + each.seconds, 0);
        const tokens = recent.reduce((sum, each) => sum + each.tokens, 0);
        speed.textContent = Math.round(tokens / seconds).toLocaleString('en');
      }
    },
  };
}
