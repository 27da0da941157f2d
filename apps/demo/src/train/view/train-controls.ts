import { element, labelled, select } from '../../page/element.ts';
import { parameterCount, type PresetName, presets } from '../../transformer/model-config.ts';
import type { Memory } from '../model/train-session.ts';
import type { RunState } from '../model/training-run.ts';
import type { TrainingEvent } from '../model/training.ts';

/** The choice of size, and the buttons of a run. */
interface Controls {
  readonly element: HTMLElement;
  readonly size: HTMLSelectElement;
  /** Start, Pause or Resume. */
  readonly go: HTMLButtonElement;
  readonly reset: HTMLButtonElement;
  readonly save: HTMLButtonElement;
  readonly load: HTMLInputElement;
  readonly show: (state: RunState, isMissing: boolean, hasModel: boolean) => void;
}

const sizes = Object.entries(presets).map(([name, config]) => {
  const count = parameterCount(config);
  const millions = (count / 1e6).toFixed(1);
  const text = count < 1e6 ? `${Math.round(count / 1000)} thousand` : `${millions} million`;
  return [name, `${name}: ${text} weights`] as const;
});

const goText: Record<RunState, string> = {
  empty: 'Start',
  opening: 'Starting',
  running: 'Pause',
  paused: 'Resume',
  comparing: 'Measuring',
  done: 'Done',
};

export function createControls(): Controls {
  const size = select(sizes, 'small' satisfies PresetName);
  const go = element('button', { type: 'button', class: 'primary' });
  const reset = element('button', { type: 'button' }, 'Reset');
  const save = element('button', { type: 'button' }, 'Save weights');
  const load = element('input', { type: 'file', accept: '.safetensors' });
  return {
    size,
    go,
    reset,
    save,
    load,
    element: element(
      'div',
      { class: 'row controls' },
      labelled('Size', size),
      go,
      reset,
      save,
      labelled('Load weights', load),
    ),
    show: (state, isMissing, hasModel) => {
      go.textContent = goText[state];
      go.disabled = isMissing || !['empty', 'running', 'paused'].includes(state);
      reset.disabled = state === 'opening' || (state === 'empty' && !hasModel);
      save.disabled = !hasModel || state === 'opening' || state === 'comparing';
      size.disabled = load.disabled = state !== 'empty';
    },
  };
}

/** The numbers of a run. */
interface Facts {
  readonly element: HTMLElement;
  readonly begin: (bigram: number, steps: number) => void;
  readonly show: (event: TrainingEvent, memory: Memory) => void;
}

const names = ['Step', 'Held-out bits per byte', 'Bigram baseline', 'Tokens/s', 'Memory'] as const;

/** The speed is measured over this many last steps. */
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
