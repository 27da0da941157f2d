import { element } from '../../page/element.ts';

/** The text that is learnt. */
interface TextPanel {
  readonly element: HTMLElement;
  readonly text: () => string;
  readonly setText: (text: string) => void;
  /** It does not change while it is learnt. */
  readonly lock: (isLocked: boolean) => void;
}

/** `docs` gives heed's documentation, which is there from the start. */
export function createTextPanel(docs: () => Promise<string>): TextPanel {
  const area = element('textarea', {
    rows: 10,
    spellcheck: 'false',
    'aria-label': 'Text to learn',
  });
  const size = element('span', { class: 'fine' });
  const own = element('button', { type: 'button' }, 'heed’s documentation');
  const measure = (): void => {
    size.textContent = `${(new Blob([area.value]).size / 1000).toFixed(0)} kB`;
  };
  const panel = {
    text: () => area.value,
    setText: (text: string) => {
      area.value = text;
      measure();
    },
    lock: (isLocked: boolean) => {
      area.readOnly = own.disabled = isLocked;
    },
  };
  const fill = async (): Promise<void> => {
    const before = area.value;
    const text = await docs();
    // What was typed meanwhile stays.
    if (area.value === before) panel.setText(text);
  };
  area.addEventListener('input', measure);
  own.addEventListener('click', () => void fill());
  void fill();
  const head = element('div', { class: 'row' }, element('h2', {}, 'Text to learn'), size, own);
  const note = element(
    'p',
    { class: 'fine' },
    'Paste any text. A document is a paragraph; every tenth is held out, and no model here learns from it.',
  );
  return { ...panel, element: element('section', { class: 'panel' }, head, area, note) };
}

/** What the model writes while it is trained, the last first. */
interface SampleList {
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
