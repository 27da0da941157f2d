import type { PageFormat } from '@heed/kvcache';
import type { Source } from './model/served-model.ts';

/** What the visitor chooses. */
export interface Settings {
  readonly source: Source;
  readonly format: Extract<PageFormat, 'f16' | 'int8' | 'int4'>;
  /** Pages of the cache. */
  readonly pages: number;
  /** Tokens of an answer. */
  readonly count: number;
  /** Tokens that a speculative step guesses at most. */
  readonly drafts: number;
  /** Answers per prompt. */
  readonly branches: number;
}

/** The words that are asked. */
export interface Asked {
  /** What all prompts begin with. */
  readonly system: string;
  readonly prompts: readonly string[];
}

/** Tokens in a page. */
export const PAGE_SIZE = 16;

/** Answers that run together. */
export const SEATS = 12;

export const MAX_PROMPTS = 6;

export const choices = {
  format: ['f16', 'int8', 'int4'],
  pages: [24, 64, 128],
  count: [16, 48, 96, 160],
  drafts: [0, 4, 8],
  branches: [1, 2, 3],
} as const;

export const defaultSettings: Settings = {
  source: 'shipped',
  format: 'f16',
  pages: 64,
  count: 48,
  drafts: 4,
  branches: 1,
};

export const defaultAsked: Asked = {
  system:
    'heed is FlashAttention-2 and FlexAttention for WebGPU in TypeScript: exact attention on your own GPU.\n',
  prompts: ['A page is ', 'The kernel ', 'const { out } = ', 'Each sequence '],
};
