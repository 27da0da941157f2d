/** What a run of a case showed. */
export interface Recorded {
  readonly id: string;
  /** Labels of the kernels that it dispatched. */
  readonly kernels: readonly string[];
  /** It tests only what the host refuses. */
  readonly host?: boolean;
  /** Milliseconds of processor time that it took beside compiling; it decides nothing but what is left out as slow. */
  readonly ms: number;
}

/** What a selection is to cover: the elements of a case. */
export type ElementsOf = (one: Recorded) => readonly string[];

/** What a kernel costs, in any unit: compiling is what the time of a test goes to. */
export type PriceOf = (kernel: string) => number;

/**
 * The greedy set cover: takes the case with the most elements that are not covered yet for the price of the kernels that are not
 * compiled yet, until all elements of all cases are covered. Of equals, the first in order of the cases.
 */
export function cover(
  cases: readonly Recorded[],
  elementsOf: ElementsOf,
  price: PriceOf,
): Recorded[] {
  const elements = new Map(cases.map((one) => [one, new Set(elementsOf(one))]));
  const missing = new Set([...elements.values()].flatMap((some) => [...some]));
  const compiled = new Set<string>();
  const chosen: Recorded[] = [];
  while (missing.size > 0) {
    const best = bestOf(cases, (one) => {
      const gain = [...elements.get(one)!].filter((element) => missing.has(element)).length;
      const fresh = one.kernels.filter((kernel) => !compiled.has(kernel));
      return gain / fresh.reduce((sum, kernel) => sum + price(kernel), CASE_PRICE);
    });
    chosen.push(best);
    for (const element of elements.get(best)!) missing.delete(element);
    for (const kernel of best.kernels) compiled.add(kernel);
  }
  return chosen;
}

/** What running a case costs beside its kernels, in the unit of prices: a tenth of a common kernel. */
const CASE_PRICE = 0.1;

function bestOf(cases: readonly Recorded[], scoreOf: (one: Recorded) => number): Recorded {
  let [best, most] = [cases[0]!, -1];
  for (const one of cases) {
    const score = scoreOf(one);
    if (score > most) [best, most] = [one, score];
  }
  return best;
}

/** The kind of a kernel, and the other parts of its label: storage types, layout, reads, rows, hooks; sizes do not count. */
export function partsOf(label: string): { kind: string; types: string[]; parts: string[] } {
  // What was compiled from a function is named after its hash.
  const [head = '', ...rest] = label.replaceAll(/_[0-9a-f]{8,}/g, '').split(' | ');
  const words = head.split(' ');
  const types = words.filter((word) => word.includes('=') && !/^dv?=/.test(word));
  const kind = words.filter((word) => !word.includes('=')).join(' ');
  const parts = rest.flatMap((part) => {
    const [name, value = ''] = part.split('=');
    if (name === 'd' || name === 'path') return [];
    if (name !== 'hooks') return [part];
    return value.split('+').map((hook) => `hook=${hook}`);
  });
  return { kind, types, parts };
}

const groupOf = (id: string): string => id.split('/')[0]!;

/** The part of a case's id that names what it is about: groups whose names begin alike are of one subject. */
const subjectOf = (id: string): string =>
  /^(flex|backward|quantised|cache)-/.exec(id)?.[1] ?? groupOf(id);

/** Kinds of kernels without storage types, layouts and the parameters whose gradients they compute. */
const familyOf = (kind: string): string =>
  kind
    .replace(/^heed\/backward d(?!q$|kv$).*/, 'heed/backward of parameters')
    .replaceAll(/ (dense|varlen|strided|paged|mask|f32|f16|bf16|int8|int4)(?= |$)/g, '');

/** Storage types without what is stored so; an extent such as `d=64` is none. */
const storageOf = (types: readonly string[]): string[] =>
  types.flatMap((type) => /=(\w*[a-z]\w*)$/.exec(type)?.[1] ?? []);

const isAccess = (part: string): boolean => /^(read|write|rows)=/.test(part);

/** Layouts, accesses and hooks, each alone. */
const single = (parts: readonly string[]): string[] =>
  parts.flatMap((part) => part.split(/ (?=(?:read|write|rows|selected)=)/));

/**
 * Every subject; of forward, every type of each tensor and every part; of backward, whose kernels compile longest, every storage type,
 * layout and hook; every other kernel, with each storage type.
 */
const subjectsAndParts: ElementsOf = ({ id, kernels }) => [
  subjectOf(id),
  ...kernels.flatMap((label) => {
    const { kind, types, parts } = partsOf(label);
    const family = familyOf(kind);
    if (family === 'heed/forward')
      return [family, ...[...types, ...single(parts)].map((part) => `${family} ${part}`)];
    const some = [...storageOf(types), ...single(parts).filter((part) => !isAccess(part))];
    const of = family.startsWith('heed/backward') ? 'heed/backward' : family;
    return [family, ...some.map((part) => `${of} ${part}`)];
  }),
];

/** Every group. */
const groups: ElementsOf = ({ id }) => [groupOf(id)];

/** Every subject; every family of kernels; every storage type, layout and hook, of any kernel. */
const subjectsAndFamilies: ElementsOf = ({ id, kernels }) => [
  subjectOf(id),
  ...kernels.flatMap((label) => {
    const { kind, types, parts } = partsOf(label);
    const some = single(parts).filter((part) => !isAccess(part));
    return [familyOf(kind), ...storageOf(types), ...some];
  }),
];

/** Every subject, every storage type of forward, and every family of kernels but one, whose kernels cost as much as all others. */
const subjectsAndFew: ElementsOf = ({ id, kernels }) => [
  subjectOf(id),
  ...kernels.flatMap((label) => {
    const { kind, types } = partsOf(label);
    const family = familyOf(kind);
    if (family === 'heed/backward of parameters') return [];
    return family === 'heed/forward' ? [family, ...storageOf(types)] : [family];
  }),
];

/** What a kernel costs to compile on lavapipe, relative to a common forward kernel. */
export function priceOf(label: string): number {
  if (label.startsWith('heed/backward')) return 3;
  if (!label.startsWith('heed/forward')) return /weights|scores|selected/.test(label) ? 0.5 : 0.1;
  const [, d, dv] = /d=(\d+) dv=(\d+)/.exec(label) ?? [];
  return Number(d) + Number(dv) > 256 ? 3.5 : 1;
}

/** Ids of cases, in their order. */
export interface SelectedCases {
  /** What other devices and compilers run: every subject, family of kernels, storage type, layout and hook. */
  readonly devices: readonly string[];
  /** What browsers run, whose compilers other tiers have: every subject, and nearly every family of kernels. */
  readonly browsers: readonly string[];
  /** What `once` runs, where compiling takes half the time: a case of each group that `gpu-node` leaves out. */
  readonly groups: readonly string[];
  /** What `gpu-node` leaves to other runs: cases that need kernels beyond a cover of every subject and part, or are slow. */
  readonly left: readonly string[];
}

/** A case that is slower than this, once its kernels are compiled, is left to the full run unless something needs it. */
const SLOW_MS = 20;

export function selectionOf(recorded: readonly Recorded[]): SelectedCases {
  const ids = (some: readonly Recorded[]): string[] =>
    recorded.filter((one) => some.includes(one)).map(({ id }) => id);
  const chosen = cover(recorded, subjectsAndParts, priceOf);
  const compiled = new Set(chosen.flatMap(({ kernels }) => kernels));
  const left = recorded.filter(
    (one) =>
      !chosen.includes(one) &&
      (one.ms > SLOW_MS || !one.kernels.every((kernel) => compiled.has(kernel))),
  );
  const covered = new Set(
    recorded.filter((one) => !left.includes(one)).map(({ id }) => groupOf(id)),
  );
  const others = recorded.filter(({ id }) => !covered.has(groupOf(id)));
  // What the host refuses it refuses everywhere; and a case without a kernel stands only for a group that has none.
  const dispatching = new Set(
    recorded.filter(({ kernels }) => kernels.length > 0).map(({ id }) => groupOf(id)),
  );
  const elsewhere = recorded.filter(
    ({ id, kernels, host }) => !host && (kernels.length > 0 || !dispatching.has(groupOf(id))),
  );
  return {
    devices: ids(cover(elsewhere, subjectsAndFamilies, priceOf)),
    browsers: ids(cover(elsewhere, subjectsAndFew, priceOf)),
    groups: ids(cover(others, groups, priceOf)),
    left: ids(left),
  };
}
