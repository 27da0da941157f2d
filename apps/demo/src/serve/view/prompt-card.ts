import { element } from '../../frame/element.ts';
import { decodeText } from '../../text/bytes.ts';
import type { Answer } from '../engine/request.ts';
import { idOf } from '../requests.ts';
import { ownerColour } from './owner-colour.ts';

/** Whether an answer was the same alone. */
export type Verdict = { readonly same: boolean; readonly text: string };

/** One prompt with its answers. */
export interface PromptCard {
  readonly element: HTMLElement;
  readonly prompt: HTMLTextAreaElement;
  readonly remove: HTMLButtonElement;
  /** Its place among the cards. */
  readonly place: (index: number, isOnly: boolean) => void;
  readonly show: (answers: readonly Answer[]) => void;
  readonly judge: (verdict: Verdict | undefined) => void;
}

export function promptCard(text: string): PromptCard {
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
      list.replaceChildren(...answers.map((one) => answerText(one, answers.length))),
    judge: (next) => {
      const sign = next?.same === true ? '✓' : '✗';
      verdict.className = `verdict badge ${next ? (next.same ? 'pass' : 'fail') : ''}`;
      verdict.textContent = next ? `${sign} ${next.text}` : '';
    },
  };
}

function answerText({ request, branch, tokens, isDone }: Answer, count: number): HTMLElement {
  const text = decodeText(Uint8Array.from(tokens));
  return element(
    'p',
    { class: 'answer', ...(isDone || tokens.length === 0 ? {} : { 'data-growing': true }) },
    ...(count > 1 ? [element('b', {}, `${request}${branch + 1} `)] : []),
    text === '' ? '…' : text,
  );
}
