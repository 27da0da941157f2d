import { createHash } from 'node:crypto';
import { prefixNames } from '@heed/kvcache/names';
import { createRouter } from '@heed/router';

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const namesOf = (tokens: number[]) => prefixNames(tokens, { pageSize: 16, hash });
const router = createRouter({ pageSize: 16 });

// Each worker tells its load about once a second.
const load = { queuedTokens: 0, runningSequences: 0, freePages: 900, pages: 1000 };
router.load('a', { ...load, tokensPerSecond: 1000 }, { url: 'http://10.0.0.1:8000' });
router.load('b', { ...load, tokensPerSecond: 2000 }, { url: 'http://10.0.0.2:8000' });

// Worker a has the first 64 tokens of this prompt. Names travel as 32 digits.
const prompt = Array.from({ length: 80 }, (_, i) => i);
const stored = namesOf(prompt.slice(0, 64)).map((name) => name.slice(0, 32));
const from = { version: 1, worker: 'a', epoch: 1, pageSize: 16, namespace: '' } as const;
router.apply({ ...from, seq: 0, snapshot: true, operations: [{ stored }] });

const pick = router.route(namesOf(prompt), { length: prompt.length })!;
console.log(pick.worker, pick.cachedTokens, pick.estimateMs); // a 64 16
pick.firstToken();
pick.done();

// The same prompt again: a is expected to have all of its pages, of which the last token's is computed.
const other = Array.from({ length: 80 }, (_, i) => 1000 + i);
console.log(router.route(namesOf(other), { length: 80 })!.worker); // b
console.log(router.route(namesOf(prompt), { length: 80 })!.why); // leastTtft: 64 of 80 tokens cached, 0 queued, one of 2
