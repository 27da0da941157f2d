import type { Shown } from '../serving.ts';

/** How far a run has come, in a sentence. */
export function endingText(shown: Shown, isUnderWay: boolean): string {
  const { generated, steps, hits, lookedUp } = shown.counted.tally;
  const found =
    lookedUp === 0
      ? ''
      : `, ${Math.round((100 * hits) / lookedUp)} % of the tokens looked up were in the cache`;
  const count = shown.answers.length;
  const sum = `${count} ${count === 1 ? 'answer' : 'answers'}, ${generated} tokens in ${steps} steps${found}`;
  return isUnderWay ? `Paused: ${sum}.` : `Done: ${sum}.`;
}
