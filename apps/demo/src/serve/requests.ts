import { BOUNDARY, encodeText } from '../text/bytes.ts';
import type { Request } from './engine/request.ts';
import type { Asked, Settings } from './settings.ts';

/** The names of prompts: A, B, … */
export const idOf = (index: number): string => String.fromCharCode(65 + index);

/**
 * The prompts as requests: the boundary that documents begin with, the system prompt, the prompt's own text.
 * @throws Error a prompt with its answer is longer than the model's context
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
