import type { SequenceState } from '../../../src/sequences/sequence-state.ts';
import { salts } from '../ledger/agreement.ts';
import type { Op } from '../ledger/program.ts';
import type { GroupedDouble } from './grouped-double.ts';

const isEven = ({ counts }: SequenceState): boolean => counts.every((c) => c === counts[0]);

/** Runs one call if the state allows it. Rows are not dropped from the middle here. */
export function step(double: GroupedDouble, op: Op): void {
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
      // Most steps reach every layer.
      return double.append(states, tokens, op.layers === 1 ? 1 : double.layers);
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
    return;
  }
  switch (op.op) {
    case 'fork':
      return double.fork(state);
    case 'commit':
      return double.commit(state, op.count % (length - state.committed + 1));
    case 'truncate':
      return double.truncate(state, op.count % (length + 1));
    case 'overcommit': {
      const tokens = Array.from({ length: length - state.committed + 1 }, () => 0);
      return double.refused(() => ledger.commit('commit', state, tokens), /at most/);
    }
    case 'overtruncate':
      return double.refused(() => ledger.truncate('truncate', state, length + 1), /length/);
    default:
  }
}
