import type { ChatTokenizer } from '../generation/chat-tokenizer.ts';

/**
 * Returns the text of an answer as it is generated. A character is held back until its bytes are complete, and a text while a stop
 * string may begin in it. At a stop string the text ends before it, and the reading of tokens too.
 */
export async function* answerText(
  tokens: AsyncIterable<number>,
  tokenizer: ChatTokenizer,
  stops: readonly string[] = [],
): AsyncGenerator<string, void, void> {
  const text = tokenizer.stream();
  let held = '';
  for await (const token of tokens) {
    held += text.push(token);
    const end = stopAt(held, stops);
    if (end !== undefined) {
      if (end > 0) yield held.slice(0, end);
      return;
    }
    const safe = held.length - openEnd(held, stops);
    if (safe > 0) yield held.slice(0, safe);
    held = held.slice(safe);
  }
  held += text.end();
  const last = held.slice(0, stopAt(held, stops));
  if (last !== '') yield last;
}

/** Returns where the first stop string begins. */
function stopAt(text: string, stops: readonly string[]): number | undefined {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return found.length > 0 ? Math.min(...found) : undefined;
}

/** Returns the length of the longest end of the text with which a stop string begins. */
function openEnd(text: string, stops: readonly string[]): number {
  const lengths = stops.flatMap((stop) => {
    const most = Math.min(stop.length - 1, text.length);
    return Array.from({ length: most }, (_, i) => i + 1).filter((n) =>
      text.endsWith(stop.slice(0, n)),
    );
  });
  return Math.max(0, ...lengths);
}
