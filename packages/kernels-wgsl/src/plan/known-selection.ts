import type { Gpu } from '@heed/core';
import type { ProblemFacts } from './problem.ts';
import { select, type Selection } from './select.ts';

interface Known {
  readonly facts: ProblemFacts;
  readonly selection: Selection;
}

// The layers of a model pose a few problems, one after the other.
const kept = 8;
const latest = new WeakMap<Gpu, Known[]>();

/** The selection for a problem: the one made before, if the problem was met lately. */
export function knownSelection(gpu: Gpu, facts: ProblemFacts): Selection {
  let list = latest.get(gpu);
  if (!list) latest.set(gpu, (list = []));
  const known = list.find((one) => isSame(one.facts, facts));
  if (known) return known.selection;
  const selection = select(facts, gpu.capabilities, gpu.tuning);
  list.unshift({ facts, selection });
  list.length = Math.min(list.length, kept);
  return selection;
}

function isSame(a: ProblemFacts, b: ProblemFacts): boolean {
  const names = Object.keys(a) as (keyof ProblemFacts)[];
  return names.every((name) =>
    name === 'hooks' ? a.hooks.key === b.hooks.key : a[name] === b[name],
  );
}
