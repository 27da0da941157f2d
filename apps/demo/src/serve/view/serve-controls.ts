import { element, labelled, select } from '../../page/element.ts';
import { choices, type Settings } from '../session/serve-settings.ts';
import type { Source } from '../session/served-model.ts';

/** The form with the visitor's choices. */
interface SettingsForm {
  readonly element: HTMLElement;
  readonly settings: () => Settings;
  /** Sets the available models, best first; the others are disabled. */
  readonly offer: (sources: readonly Source[]) => void;
}

const sourceTexts = [
  ['shipped', 'Shipped with the page'],
  ['trained', 'Trained in the Train room'],
  ['random', 'Random weights'],
] as const;

const choiceTexts: {
  readonly [K in keyof typeof choices]: (value: (typeof choices)[K][number]) => string;
} = {
  format: String,
  pages: (pages) => ({ 24: '24, too few', 64: '64', 128: '128' })[pages],
  count: (count) => `${count} bytes`,
  drafts: (drafts) => (drafts === 0 ? 'none' : `up to ${drafts} a step`),
  branches: (branches) => (branches === 1 ? '1' : `${branches} branches`),
};

const labels = {
  format: 'Page format',
  pages: 'Pages',
  count: 'Answer length',
  drafts: 'Guesses',
  branches: 'Answers per prompt',
} as const;

/** Creates the form; `changed` is called on every change. */
export function createSettingsForm(initial: Settings, changed: () => void): SettingsForm {
  const source = select(sourceTexts, initial.source);
  const names = Object.keys(labels) as (keyof typeof labels)[];
  const controls = new Map(
    names.map((name) => {
      const text = choiceTexts[name] as (value: unknown) => string;
      const options = choices[name].map((value) => [String(value), text(value)] as const);
      return [name, select(options, String(initial[name]))] as const;
    }),
  );
  const number = (name: keyof typeof labels): number => Number(controls.get(name)!.value);
  const form = element(
    'div',
    { class: 'row controls' },
    labelled('Model', source),
    ...names.map((name) => labelled(labels[name], controls.get(name)!)),
  );
  form.addEventListener('change', changed);
  return {
    element: form,
    settings: () => ({
      source: source.value as Source,
      format: controls.get('format')!.value as Settings['format'],
      pages: number('pages'),
      count: number('count'),
      drafts: number('drafts'),
      branches: number('branches'),
    }),
    offer: (sources) => {
      for (const option of source.options) {
        option.disabled = !sources.includes(option.value as Source);
      }
      if (source.selectedOptions[0]?.disabled !== false) source.value = sources[0]!;
    },
  };
}

/** The actions of the buttons. While one runs, all buttons but Stop are disabled. */
interface Actions {
  readonly run: () => Promise<void>;
  readonly step: () => Promise<void>;
  readonly stop: () => void;
  readonly check: () => Promise<void>;
  readonly save: () => Promise<void>;
  readonly forget: () => Promise<void>;
}

interface Buttons {
  readonly element: HTMLElement;
  readonly isBusy: () => boolean;
  /** Without WebGPU all buttons are disabled. */
  readonly setMissing: (isMissing: boolean) => void;
}

const actionTexts = [
  ['run', 'Run'],
  ['step', 'Step'],
  ['check', 'Check alone'],
  ['save', 'Save in this browser'],
  ['forget', 'Delete saved pages'],
] as const;

export function createButtons(actions: Actions): Buttons {
  let [isBusy, isMissing] = [false, false];
  const stop = element('button', { type: 'button', disabled: true }, 'Stop');
  const others = actionTexts.map(([name, text]) => {
    const button = element(
      'button',
      { type: 'button', ...(name === 'run' && { class: 'primary' }) },
      text,
    );
    button.addEventListener('click', () => void press(button, actions[name]));
    return button;
  });
  const enable = (): void => {
    for (const button of others) button.disabled = isBusy || isMissing;
    stop.disabled = !isBusy;
  };
  const press = async (button: HTMLButtonElement, action: () => Promise<void>): Promise<void> => {
    isBusy = true;
    enable();
    // A disabled button loses the focus, and with it the keyboard's position.
    stop.focus();
    await action();
    const hadFocus = document.activeElement === stop;
    isBusy = false;
    enable();
    if (hadFocus) button.focus();
  };
  stop.addEventListener('click', actions.stop);
  const [run, step, ...rest] = others;
  return {
    element: element('div', { class: 'row controls' }, run!, step!, stop, ...rest),
    isBusy: () => isBusy,
    setMissing: (next) => {
      isMissing = next;
      enable();
    },
  };
}
