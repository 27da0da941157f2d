import { element } from '../../frame/element.ts';

/** The seconds of a wait, so that nobody takes it for the end. Not read aloud: what is waited for is. */
export interface Waited {
  readonly element: HTMLElement;
  readonly begin: () => void;
  readonly end: () => void;
  readonly isOn: () => boolean;
}

export function createWaited(): Waited {
  const shown = element('span', { class: 'fine', id: 'train-waited', 'aria-hidden': 'true' });
  let timer: ReturnType<typeof setInterval> | undefined;
  const end = (): void => {
    clearInterval(timer);
    timer = undefined;
    shown.textContent = '';
  };
  return {
    element: shown,
    begin: () => {
      end();
      const start = performance.now();
      timer = setInterval(() => {
        shown.textContent = `${Math.round((performance.now() - start) / 1000)} s`;
      }, 1000);
    },
    end,
    isOn: () => timer !== undefined,
  };
}
