import { element, labelled } from '../../frame/element.ts';
import type { Answer } from '../engine/request.ts';
import { idOf } from '../requests.ts';
import { type Asked, MAX_PROMPTS } from '../settings.ts';
import { type PromptCard, promptCard, type Verdict } from './prompt-card.ts';

/** The system prompt, the prompts, and what comes of them. */
export interface PromptList {
  readonly element: HTMLElement;
  readonly asked: () => Asked;
  readonly show: (answers: readonly Answer[]) => void;
  /** By prompt; what is missing is not judged. */
  readonly judge: (verdicts: ReadonlyMap<string, Verdict>) => void;
}

/** `changed` is told when there is something else to ask. */
export function createPromptList({ system, prompts }: Asked, changed: () => void): PromptList {
  const shared = element('textarea', { rows: 2, spellcheck: 'false' });
  shared.value = system;
  const add = element('button', { type: 'button' }, 'Add a prompt');
  const grid = element('div', { class: 'prompts' });
  let cards: PromptCard[] = [];

  const arrange = (): void => {
    cards.forEach((card, i) => card.place(i, cards.length === 1));
    add.disabled = cards.length === MAX_PROMPTS;
  };
  const append = (text: string): PromptCard => {
    const card = promptCard(text);
    card.prompt.addEventListener('input', changed);
    card.remove.addEventListener('click', () => {
      const at = cards.indexOf(card);
      cards = cards.filter((other) => other !== card);
      card.element.remove();
      arrange();
      changed();
      cards[Math.min(at, cards.length - 1)]!.prompt.focus();
    });
    cards.push(card);
    grid.append(card.element);
    return card;
  };
  for (const text of prompts) append(text);
  arrange();
  shared.addEventListener('input', changed);
  add.addEventListener('click', () => {
    const { prompt } = append('');
    arrange();
    changed();
    prompt.focus();
  });

  return {
    element: element(
      'div',
      { class: 'asked' },
      labelled('System prompt, which all begin with', shared),
      grid,
      add,
    ),
    asked: () => ({ system: shared.value, prompts: cards.map(({ prompt }) => prompt.value) }),
    show: (answers) =>
      cards.forEach((card, i) =>
        card.show(
          answers
            .filter(({ request }) => request === idOf(i))
            .toSorted((a, b) => a.branch - b.branch),
        ),
      ),
    judge: (verdicts) => cards.forEach((card, i) => card.judge(verdicts.get(idOf(i)))),
  };
}
