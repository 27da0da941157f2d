import { element } from '../../page/element.ts';
import type { Comparison, Timing } from '../model/packing-comparison.ts';

/** Packing against padding. */
export interface PackingPanel {
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly show: (comparison: Comparison) => void;
}

const columns = ['', 'Computed', 'Of it text', 'Time', 'Text tokens/s', 'Loss'] as const;

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
