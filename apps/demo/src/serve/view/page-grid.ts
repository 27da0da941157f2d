import { element } from '../../page/element.ts';
import { describePage, type PageFacts, summaryOf } from '../engine/page-book.ts';
import { PAGE_SIZE } from '../session/serve-settings.ts';

/** The live picture of the pages, with its legend and the page under the cursor. */
interface PageGrid {
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

/** One page in the grid. */
interface PageCell {
  readonly element: HTMLElement;
  readonly text: () => string;
  readonly show: (facts: PageFacts) => void;
}

function pageCell(page: number): PageCell {
  const made = element('li', { role: 'option', 'aria-selected': 'false', id: `page-${page}` });
  let shown = '';
  return {
    element: made,
    text: () => shown,
    show: (facts) => {
      const text = describePage(facts, PAGE_SIZE);
      const isSame = text === shown && made.dataset['state'] === facts.state;
      if (isSame) return;
      const { state, owners, tokens } = facts;
      shown = text;
      made.dataset['state'] = state;
      made.setAttribute('aria-label', text);
      made.textContent = signOf(facts);
      made.style.background = owners.length > 0 ? ownersBackground(owners) : '';
      made.style.setProperty('--fill', String(tokens.length / PAGE_SIZE));
    },
  };
}

/** Returns the sign that identifies a page without its colour: its owners, how many share it, or that it is cached. */
function signOf({ state, owners }: PageFacts): string {
  if (state === 'free') return '';
  if (state === 'cached') return '○';
  return owners.length < 3 && owners.join('').length < 4 ? owners.join('') : `×${owners.length}`;
}

/** Number of owner colours: the most prompts that there may be. */
const colours = 6;

/** Returns the CSS variable with the colour of an owner, "B" or "B2": Okabe and Ito's palette for all kinds of colour vision. */
export function ownerColour(owner: string): string {
  return `var(--owner-${(owner.charCodeAt(0) - 65) % colours})`;
}

/** Returns the background for a page's owners: plain for one, stripes for several. */
function ownersBackground(owners: readonly string[]): string {
  const shown = [...new Set(owners.map(ownerColour))];
  if (owners.length === 1) return shown[0]!;
  const width = 5;
  // Branches of one prompt share a colour, so their stripes are darker shades of it.
  const stripes =
    shown.length > 1 ? shown : [shown[0]!, `color-mix(in oklab, ${shown[0]!}, #000 22%)`];
  const stops = stripes.map((colour, i) => `${colour} ${i * width}px ${(i + 1) * width}px`);
  return `repeating-linear-gradient(45deg, ${stops.join(', ')})`;
}
