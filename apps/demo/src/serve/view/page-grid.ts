import { element } from '../../frame/element.ts';
import type { PageFacts } from '../engine/page-book.ts';
import { summaryOf } from '../engine/page-words.ts';
import { type PageCell, pageCell } from './page-cell.ts';

/** The live picture of the pages, with its legend and the page under the cursor. */
export interface PageGrid {
  readonly element: HTMLElement;
  readonly show: (pages: readonly PageFacts[]) => void;
}

const legend = [
  ['used', 'A', 'of one answer'],
  ['shared', 'AB', 'shared: stripes'],
  ['cached', '○', 'cached: found by its tokens until its memory is needed'],
  ['free', '', 'free'],
] as const;

export function createPageGrid(): PageGrid {
  const list = element('ul', {
    class: 'pages',
    role: 'listbox',
    'aria-label': 'Pages. Arrow keys move from page to page.',
  });
  const readout = element('output', { id: 'page-readout' });
  const summary = element('p', { id: 'pages-summary', class: 'fine' });
  let cells: PageCell[] = [];
  let current = 0;

  const point = (at: number): void => {
    cells[current]?.element.setAttribute('aria-selected', 'false');
    for (const [i, { element: cell }] of cells.entries()) cell.tabIndex = i === at ? 0 : -1;
    current = at;
    cells[at]?.element.setAttribute('aria-selected', 'true');
    readout.textContent = cells[at]?.text() ?? '';
  };
  const indexOf = ({ target }: Event): number =>
    cells.findIndex(({ element: cell }) => cell === target);

  list.addEventListener('pointerover', (event) => {
    const at = indexOf(event);
    if (at >= 0) point(at);
  });
  list.addEventListener('focusin', (event) => {
    const at = indexOf(event);
    if (at >= 0) point(at);
  });
  list.addEventListener('keydown', (event) => {
    const columns = getComputedStyle(list).gridTemplateColumns.split(' ').length;
    const next = destination(event.key, current, cells.length, columns);
    if (next === undefined) return;
    event.preventDefault();
    cells[next]!.element.focus();
  });

  return {
    element: element(
      'figure',
      { class: 'cache' },
      element('h2', {}, 'Pages'),
      list,
      readout,
      element('div', { class: 'legend', 'aria-hidden': 'true' }, ...legend.map(legendEntry)),
      summary,
    ),
    show: (pages) => {
      if (cells.length !== pages.length) {
        cells = pages.map(({ page }) => pageCell(page));
        list.replaceChildren(...cells.map(({ element: cell }) => cell));
        point(0);
      }
      pages.forEach((facts, i) => cells[i]!.show(facts));
      readout.textContent = cells[current]!.text();
      summary.textContent = summaryOf(pages);
    },
  };
}

const legendEntry = ([state, sign, text]: (typeof legend)[number]): HTMLElement =>
  element('span', {}, element('i', { class: 'page-sample', 'data-state': state }, sign), text);

function destination(key: string, at: number, count: number, columns: number): number | undefined {
  const moves: Readonly<Record<string, number>> = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: count - 1,
  };
  const next = moves[key];
  return next === undefined ? undefined : next >= 0 && next < count ? next : at;
}
