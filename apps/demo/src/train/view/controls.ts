import { element, labelled, select } from '../../frame/element.ts';
import { type PresetName, presets } from '../../transformer/config.ts';
import { parameterCount } from '../../transformer/weight-shapes.ts';
import type { RunState } from '../run.ts';

/** Size, and what can be done with a run. */
export interface Controls {
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
