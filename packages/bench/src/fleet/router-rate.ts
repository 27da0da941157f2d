import { hash } from 'node:crypto';
import { prefixNames } from '@heed/kvcache/names';
import { createRouter } from '@heed/router';
import { type FleetRow, processorMs } from './fleet-row.ts';

const pageSize = 16;
const length = 12_288;
const workers = 10;
const prompts = 40;
const requests = 200;

/** Requests that a core routes per second: 12,288 tokens, their names included, ten workers with 30,000 entries each. */
export function routerRate(): FleetRow {
  const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');
  const router = createRouter({ pageSize });
  // All begin alike, and half of their tokens are their own.
  const tokensOf = (prompt: number): Uint32Array =>
    Uint32Array.from({ length }, (_, i) => (i < length / 2 ? i : prompt * length + i));
  const namesOf = (tokens: Uint32Array): string[] =>
    prefixNames(tokens, { pageSize, hash: sha256 });
  const all = Array.from({ length: prompts * 2 }, (_, i) => tokensOf(i));
  const names = all.map((tokens) => namesOf(tokens).map((name) => name.slice(0, 32)));
  for (let i = 0; i < workers; i++) {
    const worker = `w${i}`;
    const stored = names.filter((_, k) => (k * 7 + i) % 10 < 9).flat();
    const load = { queuedTokens: 0, runningSequences: 0, freePages: 1, pages: 1 };
    router.load(worker, { ...load, tokensPerSecond: 8000 });
    const head = { version: 1, worker, epoch: 1, seq: 0, pageSize, namespace: '' } as const;
    router.apply({ ...head, snapshot: true, operations: [{ stored }] });
  }
  const runs: number[] = [];
  for (let round = 0; round < 6; round++) {
    const start = processorMs();
    for (let i = 0; i < requests; i++) {
      const tokens = all[(i * 13) % all.length]!;
      const pick = router.route(namesOf(tokens), { length })!;
      pick.firstToken();
      pick.done();
    }
    runs.push((1000 * requests) / (processorMs() - start));
  }
  return {
    name: 'router at 12,288 tokens',
    unit: 'requests/s a core',
    runs: runs.slice(1),
    floor: 250,
  };
}
