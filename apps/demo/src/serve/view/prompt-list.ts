import { element, labelled } from '../../page/element.ts';
import { decodeText } from '../../text/corpus.ts';
import { answerTo, heldOutQuestions, QUESTIONS_SYSTEM } from '../../text/questions.ts';
import type { Answer } from '../engine/answer.ts';
import { type Asked, idOf, MAX_PROMPTS } from '../session/serve-settings.ts';
import { ownerColour } from './page-grid.ts';

/** The system prompt, the prompts, and their answers. */
interface PromptList {
  readonly element: HTMLElement;
  readonly asked: () => Asked;
  readonly show: (answers: readonly Answer[]) => void;
  /** Shows verdicts by prompt; a prompt without one shows none. */
  readonly judge: (verdicts: ReadonlyMap<string, Verdict>) => void;
}

/** Creates the list; `changed` is called when any prompt changes. */
export function createPromptList({ system, prompts }: Asked, changed: () => void): PromptList {
  const shared = element('textarea', { rows: 2, spellcheck: 'false' });
  shared.value = system;
  const add = element('button', { type: 'button' }, 'Add a prompt');
  const others = element('button', { type: 'button' }, 'Other questions');
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
  others.addEventListener('click', () => {
    shared.value = QUESTIONS_SYSTEM;
    const questions = heldOutQuestions(cards.length, Math.random);
    cards.forEach(({ prompt }, i) => (prompt.value = questions[i]!));
    changed();
  });

  return {
    element: element(
      'div',
      { class: 'asked' },
      labelled('System prompt, the beginning of all prompts', shared),
      grid,
      element('div', { class: 'row controls' }, add, others),
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

/** Whether a prompt's answers equal those served alone. */
export type Verdict = { readonly same: boolean; readonly text: string };

/** One prompt with its answers. */
interface PromptCard {
  readonly element: HTMLElement;
  readonly prompt: HTMLTextAreaElement;
  readonly remove: HTMLButtonElement;
  /** Sets its index among the cards. */
  readonly place: (index: number, isOnly: boolean) => void;
  readonly show: (answers: readonly Answer[]) => void;
  readonly judge: (verdict: Verdict | undefined) => void;
}

function promptCard(text: string): PromptCard {
  const letter = element('span', { class: 'letter', 'aria-hidden': 'true' });
  const prompt = element('textarea', { rows: 2, spellcheck: 'false' });
  prompt.value = text;
  const remove = element('button', { type: 'button', class: 'remove' }, '×');
  const verdict = element('p', { class: 'verdict' });
  const list = element('div', { class: 'answers' });
  const card = element(
    'article',
    { class: 'prompt' },
    element('div', { class: 'row' }, letter, verdict, remove),
    prompt,
    list,
  );
  return {
    element: card,
    prompt,
    remove,
    place: (index, isOnly) => {
      const id = idOf(index);
      card.setAttribute('aria-label', `Prompt ${id}`);
      card.style.setProperty('--owner', ownerColour(id));
      letter.textContent = id;
      prompt.setAttribute('aria-label', `Prompt ${id}`);
      remove.setAttribute('aria-label', `Remove prompt ${id}`);
      remove.disabled = isOnly;
    },
    show: (answers) =>
      list.replaceChildren(
        ...answers.map((one) => answerText(one, answers.length, answerTo(prompt.value))),
      ),
    judge: (next) => {
      const sign = next?.same === true ? '✓' : '✗';
      verdict.className = `verdict badge ${next ? (next.same ? 'pass' : 'fail') : ''}`;
      verdict.textContent = next ? `${sign} ${next.text}` : '';
    },
  };
}

/** @param right the right answer, if the prompt is a question whose answer is known */
function answerText(
  { request, branch, tokens, isDone }: Answer,
  count: number,
  right: string | undefined,
): HTMLElement {
  const text = decodeText(Uint8Array.from(tokens));
  const isRight = isDone && right !== undefined ? text === right : undefined;
  return element(
    'p',
    {
      class: 'answer',
      ...(isDone || tokens.length === 0 ? {} : { 'data-growing': true }),
      ...(isRight === undefined ? {} : { 'data-right': String(isRight) }),
    },
    ...(count > 1 ? [element('b', {}, `${request}${branch + 1} `)] : []),
    text === '' ? '…' : text,
    ...(isRight === undefined ? [] : [element('small', {}, isRight ? ' ✓ right' : ` ✗ ${right}`)]),
  );
}
