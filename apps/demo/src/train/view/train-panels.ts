import { element } from '../../page/element.ts';
import type { Comparison, Timing } from '../model/packing-comparison.ts';

/** The panel with the training text. */
interface TextPanel {
  readonly element: HTMLElement;
  readonly text: () => string;
  readonly setText: (text: string) => void;
  /** Makes the text read-only during a run. */
  readonly lock: (isLocked: boolean) => void;
}

/** Creates the panel; `docs` resolves to heed's documentation, the initial text. */
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
    // Keep text that was typed meanwhile.
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

/** The model's samples during training, latest first. */
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

/** The panel that compares packing with padding. */
interface PackingPanel {
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly show: (comparison: Comparison) => void;
}

const columns = ['', 'Computed', 'Share of text', 'Time', 'Text tokens/s', 'Loss'] as const;

export function createPacking(): PackingPanel {
  const button = element('button', { type: 'button' }, 'Measure');
  const verdict = element('p', { role: 'status' });
  const rows = element('tbody', {});
  const head = columns.map((name) => element('th', { scope: 'col' }, name));
  const table = element(
    'table',
    { hidden: true },
    element('thead', {}, element('tr', {}, ...head)),
    rows,
  );
  return {
    button,
    element: element(
      'section',
      { class: 'panel' },
      element('h2', {}, 'Packing against padding'),
      element(
        'p',
        { class: 'fine' },
        'Paragraphs are short and rows are long: several share a row, and the mask keeps each to itself. The other way is a row for ' +
          'each, padded to the longest of its batch. Measured are the loss and all gradients of the same paragraphs, with the weights as they are.',
      ),
      button,
      verdict,
      element(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Times' },
        table,
      ),
    ),
    show: (comparison) => {
      const { tokens, packed, padded } = comparison;
      const times = padded.seconds / packed.seconds;
      verdict.textContent = `The same ${tokens.toLocaleString('en')} tokens of text: packing is ${times.toFixed(2)} times as fast as padding.`;
      rows.replaceChildren(row('Packed', packed, tokens), row('Padded', padded, tokens));
      table.hidden = false;
    },
  };
}

function row(name: string, timing: Timing, tokens: number): HTMLElement {
  const { computed, seconds, tokensPerSecond, loss } = timing;
  const cells = [
    `${computed.toLocaleString('en')} tokens`,
    `${Math.round((100 * tokens) / computed)} %`,
    seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`,
    Math.round(tokensPerSecond).toLocaleString('en'),
    loss.toFixed(4),
  ];
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    ...cells.map((text) => element('td', {}, text)),
  );
}
