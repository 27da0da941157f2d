import { refuse } from './refuse.ts';
import type { WorkerDetails } from './worker.ts';

/** A worker that could serve a request. */
export interface Candidate extends WorkerDetails {
  readonly worker: string;
  /** Tokens of the prompt that it should find in its cache. */
  readonly cachedTokens: number;
  /** The others, which it must compute. */
  readonly uncachedTokens: number;
  /** Prompt tokens before this request: those that it told, as far as it should not have computed them yet, and those routed since. */
  readonly queuedTokens: number;
  readonly runningSequences: number;
  /** Prompt tokens per second: its own, or the mean of the others, or 1,000. */
  readonly tokensPerSecond: number;
  readonly freePages: number;
  readonly pages: number;
  /** (queuedTokens + uncachedTokens) / tokensPerSecond, in milliseconds. */
  readonly estimateMs: number;
}

/** The request for which a policy chooses. */
export interface PolicyRequest {
  /** Names of its full pages, cut to 32 hexadecimal digits. */
  readonly names: readonly string[];
  /** Tokens of the prompt. */
  readonly length: number;
  readonly pageSize: number;
  /** Uniform from 0 to 1, without 1. */
  readonly random: () => number;
}

/** A way to choose among the workers that are alive. */
export interface Policy {
  readonly name: string;
  /** Returns one of the candidates, of which there is at least one. */
  choose(candidates: readonly Candidate[], request: PolicyRequest): Candidate;
}

/** Returns the candidate of the lowest costs, compared one after another; one of several at random. */
function lowest(
  candidates: readonly Candidate[],
  random: () => number,
  ...costs: readonly ((candidate: Candidate) => number)[]
): Candidate {
  let left = candidates;
  for (const cost of costs) {
    const least = Math.min(...left.map(cost));
    left = left.filter((candidate) => cost(candidate) === least);
  }
  return left[Math.floor(random() * left.length)] ?? left[0]!;
}

const waitOf = ({ queuedTokens, tokensPerSecond }: Candidate): number =>
  queuedTokens / tokensPerSecond;

/**
 * The least estimated time to the first token: the queue and the tokens that are not cached, over the worker's own rate. The default.
 *
 * @example
 * const router = createRouter({ pageSize: 16, policy: leastTtft });
 */
export const leastTtft: Policy = {
  name: 'leastTtft',
  choose: (candidates, { random }) =>
    lowest(
      candidates,
      random,
      ({ estimateMs }) => estimateMs,
      ({ uncachedTokens }) => uncachedTokens,
      ({ runningSequences }) => runningSequences,
    ),
};

/**
 * The shortest queue, whatever is cached: for workers that load pages from a shared store much faster than they compute them.
 *
 * @example
 * const balancer = createRouter({ pageSize: 16, policy: leastLoaded });
 */
export const leastLoaded: Policy = {
  name: 'leastLoaded',
  choose: (candidates, { random }) =>
    lowest(candidates, random, waitOf, ({ runningSequences }) => runningSequences),
};

/** Tokens from the start of a prompt that decide its place: enough to pass a common system prompt, few enough to end before a reply. */
const hashedTokens = 1024;
const bound = 1.25;

/**
 * The worker that the beginning of the prompt hashes to (1,024 tokens), or the next one whose queue is at most 1.25 times the mean.
 * It needs no events, so it works while none arrive.
 *
 * Source: consistent hashing with bounded loads (arXiv 1608.01350), by rendezvous hashes.
 *
 * @example
 * const hashing = createRouter({ pageSize: 16, policy: boundedHash });
 */
export const boundedHash: Policy = {
  name: 'boundedHash',
  choose: (candidates, { names, length, pageSize, random }) => {
    const page = Math.min(names.length, Math.max(1, Math.floor(hashedTokens / pageSize)));
    const key = names[page - 1];
    if (key === undefined) return lowest(candidates, random, waitOf);
    const order = candidates
      .map((candidate) => ({ candidate, hash: hashOf(`${candidate.worker} ${key}`) }))
      .toSorted((a, b) => b.hash - a.hash || (a.candidate.worker < b.candidate.worker ? -1 : 1));
    const mean = candidates.reduce((sum, { queuedTokens }) => sum + queuedTokens, 0);
    const most = (bound * (mean + length)) / candidates.length;
    const fits = order.find(({ candidate: { queuedTokens } }) => queuedTokens <= most);
    return (fits ?? order[0]!).candidate;
  },
};

/**
 * Returns a policy that takes the candidate of the highest score; one of several at random.
 *
 * @throws ValidationError (as the policy chooses) a score that is not a number
 *
 * @example
 * const roomiest = custom((one) => one.freePages - one.estimateMs);
 */
export function custom(score: (candidate: Candidate) => number, name = 'custom'): Policy {
  if (typeof score !== 'function') {
    refuse('custom', 'score must be a function', score, 'Pass (candidate) => number.');
  }
  const costOf = (candidate: Candidate): number => {
    const value: unknown = score(candidate);
    if (typeof value === 'number' && !Number.isNaN(value)) return -value;
    return refuse(name, 'a score must be a number', value, 'Return a number for every candidate.');
  };
  return {
    name,
    choose: (candidates, { random }) => {
      const costs = new Map(candidates.map((candidate) => [candidate, costOf(candidate)]));
      return lowest(candidates, random, (candidate) => costs.get(candidate)!);
    },
  };
}

/** FNV-1a, then the finaliser of MurmurHash3: neighbouring names must not have neighbouring hashes. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
