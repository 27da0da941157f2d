import type { Lane, RunningLane } from './answer-lane.ts';

/** What a step computes of a lane. */
export interface LaneStep {
  readonly lane: RunningLane;
  /** New tokens: the rest of a prompt or a part of it, or the last token and guessed ones after it. */
  readonly tokens: readonly number[];
  /** The guessed tokens at the end of them. */
  readonly guess: readonly number[];
  /** How many of the last tokens need logits. */
  readonly wanted: number;
}

/**
 * Divides the rows of a step. Each lane gets one; those that are left go to the lanes in their order. Long prompts are therefore
 * computed in chunks, beside single tokens. Source: chunked prefill of Sarathi-Serve (arXiv 2403.02310).
 * @param rows the most tokens of a step, at least one per lane
 * @param drafts the most tokens to guess per lane
 */
export function planStep(lanes: readonly RunningLane[], rows: number, drafts: number): LaneStep[] {
  let left = rows - lanes.length;
  return lanes.map((lane) => {
    const pending = lane.tokens.slice(lane.sequence.length);
    const guess = pending.length > 1 ? [] : guessOf(lane, drafts);
    const more = Math.min(left, pending.length + guess.length - 1);
    left -= more;
    const taken = 1 + more;
    const kept = guess.slice(0, Math.max(0, taken - pending.length));
    const isWhole = taken >= pending.length;
    const tokens = [...pending, ...kept].slice(0, taken);
    return { lane, tokens, guess: kept, wanted: isWhole ? 1 + kept.length : 0 };
  });
}

/** A guess may not end the answer: the step yields one token more than it accepts. */
function guessOf({ tokens, most, request }: RunningLane, drafts: number): number[] {
  if (tokens.length === request.prompt.length) return [];
  return promptLookup(tokens, Math.min(drafts, most - tokens.length - 1));
}

/**
 * Whether a lane should wait because a running one is computing full pages that it could then share: lanes of one step do not find
 * each other's pages.
 */
export function shouldWait(
  { tokens, request: { salt } }: Lane,
  running: readonly RunningLane[],
  pageSize: number,
): boolean {
  return running.some(({ tokens: other, sequence, request }) => {
    if (request.salt !== salt) return false;
    const common = commonPrefix(tokens, other);
    const shareable = Math.floor(Math.min(common, tokens.length - 1) / pageSize) * pageSize;
    return sequence.length < shareable;
  });
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  return i;
}

/** Tokens that must occur before for a guess. */
const longest = 12;
const shortest = 3;

/**
 * Guesses the next tokens by prompt lookup: the tokens that followed the last earlier occurrence of the latest tokens. It costs
 * almost nothing, and is right where text repeats.
 *
 * Source: prompt lookup decoding (github.com/apoorvumang/prompt-lookup-decoding), as in transformers and vLLM.
 *
 * @param max the most tokens to guess
 */
export function promptLookup(tokens: readonly number[], max: number): number[] {
  if (max <= 0) return [];
  for (let n = Math.min(longest, tokens.length - 1); n >= shortest; n--) {
    const found = lastBefore(tokens, n);
    if (found >= 0) return tokens.slice(found + n, found + n + max);
  }
  return [];
}

/** Returns the start of the latest earlier occurrence of the last n tokens, or −1. */
function lastBefore(tokens: readonly number[], n: number): number {
  const end = tokens.length - n;
  for (let start = end - 1; start >= 0; start--) {
    let i = 0;
    while (i < n && tokens[start + i] === tokens[end + i]) i++;
    if (i === n) return start;
  }
  return -1;
}
