import type { AloneProgress, Serving } from '../serving.ts';
import type { Verdict } from './prompt-card.ts';

/**
 * Serves each prompt alone and says whether it gave the same tokens. Rejects with the signal's reason when that is aborted.
 * @param judge told of all verdicts so far, after each prompt
 * @param tell told what is served now, in a sentence
 * @returns the outcome in a sentence
 */
export async function checkAlone(
  serving: Serving,
  judge: (verdicts: ReadonlyMap<string, Verdict>) => void,
  tell: (progress: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const verdicts = new Map<string, Verdict>();
  const onProgress = ({ index, count, done, total }: AloneProgress): void =>
    tell(
      `Serving prompt ${index + 1} of ${count} alone, in a cache of its own: token ${done} of ${total}.`,
    );
  for await (const { id, tokens, differsAt } of serving.compare(signal, onProgress)) {
    const same = differsAt === undefined;
    const text = same ? `same alone: ${tokens} tokens` : `differs alone from token ${differsAt} on`;
    verdicts.set(id, { same, text });
    judge(verdicts);
  }
  const wrong = [...verdicts.values()].filter(({ same }) => !same).length;
  return wrong === 0
    ? `Checked: all ${verdicts.size} prompts say the same alone, token for token.`
    : `Checked: ${wrong} of ${verdicts.size} prompts say something else alone. Please report it.`;
}
