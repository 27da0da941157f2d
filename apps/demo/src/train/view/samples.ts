import { element } from '../../frame/element.ts';

/** What the model writes while it is trained, the last first. */
export interface SampleList {
  readonly element: HTMLElement;
  readonly add: (step: number, texts: readonly string[], prompts: readonly string[]) => void;
  readonly clear: () => void;
}

const MOST = 8;

export function createSamples(): SampleList {
  const empty = element(
    'p',
    { class: 'fine' },
    'While it is trained, the model goes on here with the beginnings of two held-out paragraphs.',
  );
  const list = element('ol', {
    class: 'samples',
    reversed: true,
    tabindex: 0,
    'aria-label': 'Samples',
  });
  return {
    element: element('section', { class: 'panel' }, element('h2', {}, 'Samples'), empty, list),
    add: (step, texts, prompts) => {
      empty.hidden = true;
      const shown = texts.map((text, i) => {
        const prompt = prompts[i] ?? '';
        return element('pre', {}, element('mark', {}, prompt), text.slice(prompt.length));
      });
      list.prepend(element('li', { value: step }, element('h3', {}, `Step ${step}`), ...shown));
      while (list.children.length > MOST) list.lastElementChild!.remove();
    },
    clear: () => {
      empty.hidden = false;
      list.replaceChildren();
    },
  };
}
