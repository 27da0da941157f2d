import { createHash } from 'node:crypto';
import { prefixNames } from '@heed/kvcache/names';
import {
  createRouter,
  type KvEventMessage,
  type Router,
  type RouterOptions,
  type WorkerLoad,
} from '../../src/index.ts';

const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
export const tokens = (length: number, first = 0): number[] =>
  Array.from({ length }, (_, i) => first + i);
export const names = (length: number, first = 0): string[] =>
  prefixNames(tokens(length, first), { pageSize: 4, hash });
export const short = (list: readonly string[]): string[] => list.map((name) => name.slice(0, 32));
export const idle: WorkerLoad = {
  queuedTokens: 0,
  runningSequences: 0,
  tokensPerSecond: 1000,
  freePages: 50,
  pages: 100,
};

export const snapshot = (
  worker: string,
  stored: readonly string[],
  more: Partial<KvEventMessage> = {},
): KvEventMessage => ({
  version: 1,
  worker,
  epoch: 1,
  seq: 0,
  pageSize: 4,
  namespace: '',
  snapshot: true,
  operations: [{ stored: short(stored) }],
  ...more,
});

/** A router with a clock that tests set. */
export function open(options: Partial<RouterOptions> = {}): {
  router: Router;
  clock: { now: number };
} {
  const clock = { now: 0 };
  const router = createRouter({ pageSize: 4, random: () => 0, now: () => clock.now, ...options });
  return { router, clock };
}
