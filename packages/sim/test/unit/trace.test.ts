import { describe, expect, it } from 'vitest';
import { generatedTrace } from '../../src/trace/generated-trace.ts';
import { faster, parseMooncake } from '../../src/trace/trace.ts';

const line = (change: object = {}): string =>
  JSON.stringify({
    timestamp: 3000,
    input_length: 1025,
    output_length: 7,
    hash_ids: [0, 4, 9],
    ...change,
  });

describe('a trace of Mooncake', () => {
  it('is read in the order of arrival, in seconds', () => {
    const text = `${line()}\n${line({ timestamp: 500, hash_ids: [1], input_length: 512 })}\n\n`;
    const { blockTokens, requests } = parseMooncake('two', text);
    expect(blockTokens).toBe(512);
    expect(requests).toEqual([
      { at: 0.5, blocks: [1], inputTokens: 512, outputTokens: 7 },
      { at: 3, blocks: [0, 4, 9], inputTokens: 1025, outputTokens: 7 },
    ]);
  });

  it.for([
    ['not JSON', '{', /line 2: /],
    ['a time that is none', line({ timestamp: -1 }), 'line 2: timestamp must be a whole number'],
    ['too few blocks', line({ hash_ids: [0, 4] }), 'an input of 1025 tokens has 3 blocks; got 2'],
    ['blocks that are none', line({ hash_ids: [0, 'a', 1] }), 'hash_ids must be a list of whole'],
  ] as const)('with %s is refused with its line', ([, bad, reason]) => {
    expect(() => parseMooncake('x', `${line()}\n${bad}`)).toThrow(reason);
  });
});

const options = {
  conversations: 20,
  turns: 3,
  blocksPerTurn: 4,
  sharedBlocks: 2,
  rate: 1,
  pause: 30,
  seed: 5,
};

it('a generated trace is the same for the same seed, and its turns continue one another', () => {
  const trace = generatedTrace(options);
  expect(generatedTrace(options)).toEqual(trace);
  expect(generatedTrace({ ...options, seed: 6 })).not.toEqual(trace);
  expect(trace.requests).toHaveLength(60);
  const times = trace.requests.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  for (const { blocks, inputTokens } of trace.requests) {
    expect(blocks.slice(0, 2)).toEqual([0, 1]);
    expect(Math.ceil(inputTokens / 512)).toBe(blocks.length);
  }
  // A last turn has all blocks of the turns before it.
  const longest = trace.requests.filter(({ blocks }) => blocks.length === 14);
  expect(longest).toHaveLength(20);
  for (const { blocks } of longest) {
    const turns = trace.requests.filter((other) => other.blocks[2] === blocks[2]);
    for (const turn of turns) expect(blocks.slice(0, turn.blocks.length)).toEqual(turn.blocks);
  }
});

it('a trace at twice the rate takes half the time', () => {
  const trace = generatedTrace(options);
  const twice = faster(trace, 2);
  expect(twice.requests.at(-1)!.at).toBeCloseTo(trace.requests.at(-1)!.at / 2);
  expect(twice.requests.map(({ blocks }) => blocks)).toEqual(
    trace.requests.map(({ blocks }) => blocks),
  );
});
