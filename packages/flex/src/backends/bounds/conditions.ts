import { and, eq, le, lt, or } from '../../ir/build.ts';
import type { Op } from '../../ir/node.ts';
import { type Interval, isPoint, type Verdict } from './interval.ts';

export const swap = ({ all, none }: Verdict): Verdict => ({ all: none, none: all });

type Comparison = (a: Interval, b: Interval) => Verdict;

/** A comparison says something only where both sides are known. */
const compare =
  (comparison: Comparison): Comparison =>
  (a, b) => {
    const known = and(a.known, b.known);
    const { all, none } = comparison(a, b);
    return { all: and(known, all), none: and(known, none) };
  };

const equal = compare((a, b) => ({
  all: and(and(isPoint(a), isPoint(b)), eq(a.lo, b.lo)),
  none: or(lt(a.hi, b.lo), lt(b.hi, a.lo)),
}));

/** Comparisons of numbers, from the bounds of both sides. */
export const comparisons: { readonly [O in Op]?: Comparison } = {
  lt: compare((a, b) => ({ all: lt(a.hi, b.lo), none: le(b.hi, a.lo) })),
  le: compare((a, b) => ({ all: le(a.hi, b.lo), none: lt(b.hi, a.lo) })),
  eq: equal,
  ne: (a, b) => swap(equal(a, b)),
};

/** `a` where the condition holds, else `b`. */
export function selectVerdict(condition: Verdict, a: Verdict, b: Verdict): Verdict {
  const pick = (side: 'all' | 'none'): Verdict['all'] =>
    or(or(and(condition.all, a[side]), and(condition.none, b[side])), and(a[side], b[side]));
  return { all: pick('all'), none: pick('none') };
}

type Connective = (a: Verdict, b: Verdict, c: Verdict) => Verdict;

/** Operations on conditions. */
export const connectives: { readonly [O in Op]?: Connective } = {
  not: swap,
  and: (a, b) => ({ all: and(a.all, b.all), none: or(a.none, b.none) }),
  or: (a, b) => ({ all: or(a.all, b.all), none: and(a.none, b.none) }),
  select: selectVerdict,
  // a === b is a ? b : !b.
  eq: (a, b) => selectVerdict(a, b, swap(b)),
  ne: (a, b) => selectVerdict(a, swap(b), b),
};
