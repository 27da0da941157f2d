import { element, labelled, select } from '../../page/element.ts';
import { countClasses, type Findings } from '../model/findings.ts';
import type { Program } from '../program/compiled-program.ts';

const kinds = [
  ['score', 'WGSL of the score mod'],
  ['mask', 'WGSL of the mask'],
  ['explain-score', 'All about the score mod'],
  ['explain-mask', 'All about the mask'],
] as const;

/** The panel with the generated code. */
interface CodePanel {
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
      // Until the visitor has chosen, show a kind that exists.
      if (!isChosen) shown.value = next.score ? 'score' : 'mask';
      draw();
    },
  };
}

/** The numbers of a run. */
interface Facts {
  readonly element: HTMLElement;
  readonly show: (findings: Findings, tokens: number) => void;
}

const names = ['Time', 'Without mods', 'Blocks skipped', 'GPU against CPU'] as const;

export function createFacts(): Facts {
  const values = names.map(() => element('dd', {}, '…'));
  const list = element(
    'dl',
    { class: 'facts' },
    ...names.map((name, i) => element('div', {}, element('dt', {}, name), values[i]!)),
  );
  return {
    element: list,
    show: ({ timing, blocks, difference, onGpu }, tokens) => {
      const waiting = onGpu ? '…' : '–';
      const [time, plain, skipped, agreement] = values;
      time!.textContent = timing ? milliseconds(timing.ms) : waiting;
      time!.title = timing ? sourceText[timing.source] : '';
      plain!.textContent = timing ? milliseconds(timing.plainMs) : waiting;
      skipped!.textContent = blocks ? percent(skippedShare(blocks)) : timing ? '0 %' : waiting;
      agreement!.textContent = difference === undefined ? waiting : difference.toExponential(1);
      list.setAttribute('aria-label', `Attention over ${tokens} tokens`);
    },
  };
}

/** Returns the share of blocks that attention skips, over all heads. */
export function skippedShare(blocks: NonNullable<Findings['blocks']>): number {
  let [empty, all] = [0, 0];
  for (let head = 0; head < blocks.shape[1]; head++) {
    const counts = countClasses(blocks, head);
    empty += counts[0];
    all += counts[0] + counts[1] + counts[2];
  }
  return empty / all;
}

export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
export const percent = (share: number): string => `${Math.round(share * 100)} %`;

const sourceText = {
  timestamp: 'Measured on the GPU with timestamps',
  wall: 'Wall time until the page heard that it was done: this device has no timestamps',
};
