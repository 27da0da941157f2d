import { element } from '../../frame/element.ts';

/** What the buttons do; all but `stop` keep the others waiting. */
export interface Actions {
  readonly run: () => Promise<void>;
  readonly step: () => Promise<void>;
  readonly stop: () => void;
  readonly check: () => Promise<void>;
  readonly save: () => Promise<void>;
  readonly forget: () => Promise<void>;
}

export interface Buttons {
  readonly element: HTMLElement;
  readonly isBusy: () => boolean;
  /** Without WebGPU there is nothing to press. */
  readonly setMissing: (isMissing: boolean) => void;
}

const texts = [
  ['run', 'Run'],
  ['step', 'Step'],
  ['check', 'Check alone'],
  ['save', 'Save in this browser'],
  ['forget', 'Delete what was saved'],
] as const;

export function createButtons(actions: Actions): Buttons {
  let [isBusy, isMissing] = [false, false];
  const stop = element('button', { type: 'button', disabled: true }, 'Stop');
  const others = texts.map(([name, text]) => {
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
    // A disabled button loses the focus, and the keyboard its place.
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
