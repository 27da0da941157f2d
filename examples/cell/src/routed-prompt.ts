import { createHash } from 'node:crypto';
import { prefixNames } from '@heed/kvcache/names';
import type { ChatMessage, ChatTokenizer } from '@heed/llm';
import { PAGE_SIZE } from './cell-client.ts';

/** The prompt of a request, as the router sees it. */
export interface RoutedPrompt {
  /** Names of its full pages. */
  readonly names: readonly string[];
  /** Tokens. */
  readonly length: number;
}

type Body = Readonly<Record<string, unknown>>;

/**
 * Returns the prompt of a request of OpenAI's interface, by the names under which workers keep its pages. Of several prompts the first
 * decides. A body that is no request has none: the worker says what is wrong with it.
 */
export function routedPrompt(body: Body, tokenizer: ChatTokenizer): RoutedPrompt {
  const tokens = tokensOf(body, tokenizer);
  const salt = typeof body['cache_salt'] === 'string' ? body['cache_salt'] : '';
  const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  return {
    names: prefixNames(tokens, { pageSize: PAGE_SIZE, salt, hash }),
    length: Math.max(1, tokens.length),
  };
}

function tokensOf({ prompt, messages }: Body, tokenizer: ChatTokenizer): readonly number[] {
  try {
    if (Array.isArray(messages)) return tokenizer.encodeChat(messages as ChatMessage[]);
    const first: unknown =
      Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt[0] : prompt;
    return typeof first === 'string' ? tokenizer.encode(first) : (first as number[]);
  } catch {
    return [];
  }
}
