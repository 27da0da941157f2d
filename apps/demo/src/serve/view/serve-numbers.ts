import type { PageFormat } from '@heed/kvcache';
import { element } from '../../page/element.ts';
import type { ModelConfig } from '../../transformer/model-config.ts';
import { PAGE_SIZE } from '../session/serve-settings.ts';
import type { Counted } from '../session/serving.ts';

/** The numbers of serving, step by step. */
interface Numbers {
  readonly element: HTMLElement;
  readonly show: (counted: Counted) => void;
}

const facts: readonly (readonly [name: string, value: (counted: Counted) => string])[] = [
  ['Answers in the batch', ({ batch, tally }) => `${batch} · step ${tally.steps}`],
  [
    'Tokens a second',
    ({ tally }) => (tally.ms === 0 ? '–' : ((1000 * tally.generated) / tally.ms).toFixed(1)),
  ],
  ['Prefix hits', ({ tally: { hits, lookedUp } }) => share(hits, lookedUp)],
  ['Guesses right', ({ tally: { accepted, drafted } }) => share(accepted, drafted)],
  ['Truncated', ({ tally: { accepted, drafted } }) => `${drafted - accepted} tokens`],
  ['Forks', ({ tally, stats }) => `${tally.forks} · ${stats.copies} pages copied`],
  ['Preemptions', ({ tally }) => String(tally.preemptions)],
  ['Evictions', ({ stats }) => String(stats.evictions)],
  ['Memory of pages', memory],
];

export function createNumbers(): Numbers {
  const values = facts.map(() => element('dd', {}, '–'));
  return {
    element: element(
      'dl',
      { class: 'facts', 'aria-label': 'Numbers' },
      ...facts.map(([name], i) => element('div', {}, element('dt', {}, name), values[i]!)),
    ),
    show: (counted) => facts.forEach(([, value], i) => (values[i]!.textContent = value(counted))),
  };
}

const share = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${percent(part, whole)} · ${part} of ${whole}`;

const percent = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`;

function memory({ stats, config, format }: Counted): string {
  const bytes = (of: PageFormat): number => pageBytes(config, PAGE_SIZE, of);
  const beside = format === 'f16' ? '' : ` · ${percent(bytes(format), bytes('f16'))} of f16`;
  return `${(stats.bytes / 1024).toFixed(0)} KiB${beside}`;
}

/** Bytes of one token's key or value row for one head, as documented in docs/kvcache.md. */
const rowBytes: Readonly<Record<PageFormat, (dim: number) => number>> = {
  f32: (dim) => 4 * dim,
  f16: (dim) => 2 * (dim + (dim % 2)),
  bf16: (dim) => 2 * (dim + (dim % 2)),
  int8: (dim) => 4 + 4 * Math.ceil(dim / 4),
  int4: (dim) => 4 + 4 * Math.ceil(dim / 8),
};

/** Returns the bytes of one page over all layers, keys and values. */
export function pageBytes(
  { layers, kvHeads, headDim }: Pick<ModelConfig, 'layers' | 'kvHeads' | 'headDim'>,
  pageSize: number,
  format: PageFormat,
): number {
  return layers * kvHeads * pageSize * 2 * rowBytes[format](headDim);
}
