import { element, labelled, select } from '../../page/element.ts';
import type { Program } from '../program/compiled-program.ts';

const kinds = [
  ['score', 'WGSL of the score mod'],
  ['mask', 'WGSL of the mask'],
  ['explain-score', 'All about the score mod'],
  ['explain-mask', 'All about the mask'],
] as const;

/** What heed made of the functions. */
export interface CodePanel {
  readonly element: HTMLElement;
  readonly show: (program: Program) => void;
}

export function createCodePanel(): CodePanel {
  let program: Program | undefined;
  const shown = select(kinds, 'score');
  const code = element('pre', { tabindex: 0, 'aria-label': 'Generated code', id: 'generated' });
  const draw = (): void => {
    if (!program) return;
    const { score, mask } = program;
    const absent = (name: string): string => `There is no ${name}.`;
    code.textContent = {
      score: score?.wgsl ?? absent('scoreMod'),
      mask: mask?.wgsl ?? absent('maskMod'),
      'explain-score': score?.explain() ?? absent('scoreMod'),
      'explain-mask': mask?.explain() ?? absent('maskMod'),
    }[shown.value as (typeof kinds)[number][0]];
  };
  let isChosen = false;
  shown.addEventListener('change', () => {
    isChosen = true;
    draw();
  });
  return {
    element: element(
      'section',
      { class: 'code', 'aria-label': 'Generated code' },
      element('div', { class: 'row' }, element('h2', {}, 'Generated'), labelled('Show', shown)),
      code,
    ),
    show: (next) => {
      program = next;
      // Until the visitor has chosen, show the side that there is.
      if (!isChosen) shown.value = next.score ? 'score' : 'mask';
      draw();
    },
  };
}
