import type { PageFormat } from '@heed/kvcache';
import { BOUNDARY, encodeText } from '../../text/corpus.ts';
import { QUESTIONS_SYSTEM } from '../../text/questions.ts';
import type { Request } from '../engine/answer.ts';
import type { Source } from './served-model.ts';

/** The visitor's choices. */
export interface Settings {
  readonly source: Source;
  readonly format: Extract<PageFormat, 'f16' | 'int8' | 'int4'>;
  /** Pages of the cache. */
  readonly pages: number;
  /** Tokens of an answer. */
  readonly count: number;
  /** Most tokens that a step guesses per answer. */
  readonly drafts: number;
  /** Answers per prompt. */
  readonly branches: number;
}

/** The visitor's prompts. */
export interface Asked {
  /** The beginning of all prompts. */
  readonly system: string;
  readonly prompts: readonly string[];
}

/** Tokens in a page. */
export const PAGE_SIZE = 16;

/** Most answers in a batch. */
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
  system: QUESTIONS_SYSTEM,
  prompts: ['847 + 378 = ', '1987 in roman: ', '2026-12-04 is ', 'subgroup backwards: '],
};

/** Returns the name of a prompt: A, B, … */
export const idOf = (index: number): string => String.fromCharCode(65 + index);

/**
 * Returns the prompts as requests: the boundary that begins a document, the system prompt, the prompt.
 * @throws Error if a prompt with its answer exceeds the model's context
 */
export function requestsOf(
  { system, prompts }: Asked,
  { count, branches }: Pick<Settings, 'count' | 'branches'>,
  context: number,
): Request[] {
  return prompts.map((text, i) => {
    const prompt = [BOUNDARY, ...encodeText(system + text)];
    const length = prompt.length + count;
    if (length > context) {
      throw new Error(
        `Prompt ${idOf(i)} with its answer is ${length} tokens long, and the model reads ${context}. Shorten it or the system prompt, or ask for a shorter answer.`,
      );
    }
    return { id: idOf(i), prompt, count, branches, end: BOUNDARY };
  });
}

const key = 'heed-serve';

/** Settings and prompts that are saved with the pages, so that the same prompts find them. */
export interface Remembered {
  readonly settings: Settings;
  readonly asked: Asked;
}

export function remember(what: Remembered): void {
  localStorage.setItem(key, JSON.stringify(what));
}

export function forgetRemembered(): void {
  localStorage.removeItem(key);
}

/** Returns the settings saved last; undefined if there are none, or another version of the page wrote them. */
export function remembered(): Remembered | undefined {
  // Private windows and blocked cookies make localStorage throw.
  try {
    return parseRemembered(localStorage.getItem(key));
  } catch {
    return undefined;
  }
}

/** Parses and checks saved settings. */
export function parseRemembered(text: string | null): Remembered | undefined {
  if (text === null) return undefined;
  const { settings, asked } = JSON.parse(text) as Partial<Remembered>;
  if (!settings || !asked || !Array.isArray(asked.prompts)) return undefined;
  const areChoices = Object.entries(choices).every(([name, allowed]) =>
    (allowed as readonly unknown[]).includes(settings[name as keyof typeof choices]),
  );
  const areTexts = [asked.system, ...asked.prompts].every((x) => typeof x === 'string');
  const isSource = ['shipped', 'trained', 'random'].includes(settings.source);
  const fits = asked.prompts.length > 0 && asked.prompts.length <= MAX_PROMPTS;
  return areChoices && areTexts && isSource && fits ? { settings, asked } : undefined;
}
