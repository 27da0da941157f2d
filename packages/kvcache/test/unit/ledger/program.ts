import * as fc from 'fast-check';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';
import { salts } from './agreement.ts';
import type { Double } from './double.ts';

/** One call on a cache. Numbers are taken modulo the valid range, so that every list of calls is valid. */
export type Op =
  | { readonly op: 'open'; salt: number; tokens: number[]; priority: number }
  | { readonly op: 'append'; which: number[]; tokens: number[][]; layers: number }
  | { readonly op: 'commit' | 'truncate'; which: number; count: number }
  | { readonly op: 'keep'; which: number; first: number; mask: boolean[] }
  | {
      readonly op: 'draft';
      which: number;
      tokens: number[];
      mask: boolean[];
      branch: 'no' | 'tree';
    }
  | { readonly op: 'fork' | 'close' | 'overcommit' | 'overtruncate'; which: number }
  | { readonly op: 'save' | 'load' | 'clear' };

// Mostly zeros, so that prefixes are often equal.
const token = fc.oneof(
  { weight: 7, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constant(1) },
);
const natural = fc.nat({ max: 1000 });
const mask = fc.array(fc.boolean(), { minLength: 7, maxLength: 7 });
const list = (max: number): fc.Arbitrary<number[]> => fc.array(token, { maxLength: max });

const opArbitrary: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('open'),
      salt: natural,
      tokens: list(14),
      priority: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('append'),
      which: fc.uniqueArray(natural, { minLength: 1, maxLength: 3 }),
      tokens: fc.array(list(5), { minLength: 3, maxLength: 3 }),
      layers: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('commit'), which: natural, count: natural }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('truncate'), which: natural, count: natural }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'fork',
        'fork',
        'fork',
        'close',
        'close',
        'close',
        'close',
        'overcommit',
        'overtruncate',
      ),
      which: natural,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('draft'),
      which: natural,
      tokens: list(6),
      mask: mask,
      branch: fc.constantFrom('no', 'tree'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('keep'), which: natural, first: natural, mask }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('save', 'load', 'clear') }) },
);

export const program = (length: number): fc.Arbitrary<Op[]> =>
  fc.array(opArbitrary, { minLength: length, maxLength: length, size: 'max' });

const isEven = ({ counts }: SequenceState): boolean => counts.every((c) => c === counts[0]);

/** Runs one call if the state allows it. */
export function step(double: Double, op: Op): void {
  const { ledger } = double;
  const all = double.sequences;
  switch (op.op) {
    case 'open':
      return double.open(salts[op.salt % salts.length]!, op.tokens, op.priority);
    case 'save':
      return double.save();
    case 'load':
      return double.load();
    case 'clear':
      return all.length === 0 ? double.clear() : undefined;
    case 'append': {
      if (all.length === 0) return;
      const states = [...new Set(op.which.map((i) => all[i % all.length]!))];
      // A step that some layers have not seen is finished before the next one.
      const tokens = states.map((state, i) => (isEven(state) ? op.tokens[i]! : []));
      double.append(states, tokens, Math.min(op.layers, double.options.layers));
      return;
    }
    default:
  }
  const state = all[op.which % all.length];
  if (!state) return;
  if (op.op === 'close') return double.close(state);
  const length = Math.min(...state.counts);
  if (!isEven(state)) {
    double.refused(() => ledger.truncate('truncate', state, 0), /all layers/);
    double.refused(() => ledger.commit('commit', state, []), /all layers/);
    double.refused(() => ledger.keepRows('keep', state, []), /all layers/);
    return;
  }
  switch (op.op) {
    case 'fork':
      return double.fork(state);
    case 'commit':
      return double.commit(state, op.count % (length - state.committed + 1));
    case 'truncate':
      return double.truncate(state, op.count % (length + 1));
    case 'draft':
      return double.draft(state, op.tokens, op.mask, op.branch);
    case 'keep': {
      const first = op.first % (length + 1);
      const rows = [...Array(length).keys()];
      double.keep(
        state,
        rows.filter((i) => i < first || op.mask[i % op.mask.length]),
      );
      return;
    }
    case 'overcommit': {
      if (state.isPrivate) return double.commit(state, 0);
      const { committed } = state;
      if (committed > 0) {
        double.refused(() => ledger.keepRows('keep', state, [], committed - 1), /uncommitted/);
      }
      const tokens = Array.from({ length: length - state.committed + 1 }, () => 0);
      return double.refused(() => ledger.commit('commit', state, tokens), /at most/);
    }
    case 'overtruncate':
      double.refused(() => ledger.truncate('truncate', state, length + 1), /length/);
      double.refused(() => ledger.keepRows('keep', state, [length]), /ascending/);
      return double.refused(() => ledger.keepRows('keep', state, [0, 0]), /ascending/);
  }
}
