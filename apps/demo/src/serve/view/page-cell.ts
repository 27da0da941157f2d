import { element } from '../../frame/element.ts';
import type { PageFacts } from '../engine/page-book.ts';
import { describePage } from '../engine/page-words.ts';
import { PAGE_SIZE } from '../settings.ts';
import { ownersBackground } from './owner-colour.ts';

/** One page in the grid. */
export interface PageCell {
  readonly element: HTMLElement;
  readonly text: () => string;
  readonly show: (facts: PageFacts) => void;
}

export function pageCell(page: number): PageCell {
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

/** What tells a page apart without its colour: whose it is, how many share it, or that it is cached. */
function signOf({ state, owners }: PageFacts): string {
  if (state === 'free') return '';
  if (state === 'cached') return '○';
  return owners.length < 3 && owners.join('').length < 4 ? owners.join('') : `×${owners.length}`;
}
