import { element, labelled, select } from '../../frame/element.ts';
import type { Source } from '../model/served-model.ts';
import { choices, type Settings } from '../settings.ts';

/** The choices of the visitor. */
export interface SettingsForm {
  readonly element: HTMLElement;
  readonly settings: () => Settings;
  /** Which models there are to choose from, the best first; one that is not there cannot be chosen. */
  readonly offer: (sources: readonly Source[]) => void;
}

const sourceTexts = [
  ['shipped', 'Shipped with the page'],
  ['trained', 'Trained in the Train room'],
  ['random', 'Random weights'],
] as const;

const texts: {
  readonly [K in keyof typeof choices]: (value: (typeof choices)[K][number]) => string;
} = {
  format: String,
  pages: (pages) => ({ 24: '24, too few', 64: '64', 128: '128' })[pages],
  count: (count) => `${count} bytes`,
  drafts: (drafts) => (drafts === 0 ? 'none' : `up to ${drafts} a step`),
  branches: (branches) => (branches === 1 ? '1' : `${branches} branches`),
};

const labels = {
  format: 'Page format',
  pages: 'Pages',
  count: 'Answer length',
  drafts: 'Guesses',
  branches: 'Answers per prompt',
} as const;

/** `changed` is told of every change. */
export function createSettingsForm(initial: Settings, changed: () => void): SettingsForm {
  const source = select(sourceTexts, initial.source);
  const names = Object.keys(labels) as (keyof typeof labels)[];
  const controls = new Map(
    names.map((name) => {
      const text = texts[name] as (value: unknown) => string;
      const options = choices[name].map((value) => [String(value), text(value)] as const);
      return [name, select(options, String(initial[name]))] as const;
    }),
  );
  const number = (name: keyof typeof labels): number => Number(controls.get(name)!.value);
  const form = element(
    'div',
    { class: 'row controls' },
    labelled('Model', source),
    ...names.map((name) => labelled(labels[name], controls.get(name)!)),
  );
  form.addEventListener('change', changed);
  return {
    element: form,
    settings: () => ({
      source: source.value as Source,
      format: controls.get('format')!.value as Settings['format'],
      pages: number('pages'),
      count: number('count'),
      drafts: number('drafts'),
      branches: number('branches'),
    }),
    offer: (sources) => {
      for (const option of source.options) {
        option.disabled = !sources.includes(option.value as Source);
      }
      if (source.selectedOptions[0]?.disabled !== false) source.value = sources[0]!;
    },
  };
}
