import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fairShare, lru, priority } from '../../../src/pages/eviction.ts';
import type { GroupOptions } from '../../../src/pages/group-rules.ts';
import type { LedgerOptions } from '../../../src/sequences/ledger.ts';
import { type Op, program } from '../ledger/program.ts';
import { GroupedDouble } from './grouped-double.ts';
import { step } from './grouped-program.ts';

const opsPerProgram = 250;

/** Runs a program on a ledger and its model; compares all they hold after each `every` calls. */
function run(options: LedgerOptions, ops: readonly Op[], every = 1): void {
  const double = new GroupedDouble(options);
  for (const [i, op] of ops.entries()) {
    step(double, op);
    if (i % every === every - 1) double.check();
  }
}

const anyGroup: fc.Arbitrary<GroupOptions> = fc.record({
  layers: fc.integer({ min: 1, max: 4 }),
  perBlock: fc.integer({ min: 1, max: 3 }),
  bytes: fc.integer({ min: 1, max: 100 }),
  window: fc.option(fc.nat({ max: 7 }), { nil: undefined }),
  sinkTokens: fc.nat({ max: 3 }),
});

/** Caches of one to three groups of layers. */
const anyOptions: fc.Arbitrary<LedgerOptions> = fc.record({
  groups: fc.array(anyGroup, { minLength: 1, maxLength: 3 }),
  pageSize: fc.integer({ min: 1, max: 3 }),
  blocks: fc.integer({ min: 4, max: 40 }),
  eviction: fc.constantFrom(lru, priority, fairShare(150), fairShare(0)),
});

describe('random groups of layers agree with a cache that stores every token', () => {
  it('after each of 50,000 calls', () => {
    const property = fc.property(anyOptions, program(opsPerProgram), (options, ops) =>
      run(options, ops),
    );
    expect(() => fc.assert(property, { numRuns: 50_000 / opsPerProgram })).not.toThrow();
  });

  it('after each hundredth of 1,000,000 calls', { tags: ['full'] }, () => {
    const calls = 1000;
    const property = fc.property(anyOptions, program(calls), (options, ops) =>
      run(options, ops, 100),
    );
    expect(() => fc.assert(property, { numRuns: 1_000_000 / calls })).not.toThrow();
  });
});
