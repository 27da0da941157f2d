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

/** Every group, and every part of every kind of kernel; of backward's, which compile longest, not each combination of types. */
const groupsAndParts: ElementsOf = ({ id, kernels }) => [
  groupOf(id),
  ...kernels.flatMap((label) => {
    const { kind, types, parts } = partsOf(label);
    const some = kind.startsWith('heed/backward')
      ? [...types, ...parts.filter((part) => !/^(read|write)=/.test(part))]
      : [types.join(' '), ...parts];
    return [kind, ...some.map((part) => `${kind} ${part}`)];
  }),
];

/** Every subject; every kind of kernel in every layout and with every type of its elements; forward, with every kind of hook. */
const subjectsAndKernels: ElementsOf = ({ id, kernels }) => [
  subjectOf(id),
  ...kernels.flatMap((label) => {
    const { kind, types, parts } = partsOf(label);
    const withHooks = kind === 'heed/forward';
    const some = parts.filter(
      (part) => !/^(read|write|rows)=/.test(part) && (withHooks || !part.startsWith('hook=')),
    );
    return [kind, ...[...types, ...some].map((part) => `${kind} ${part}`)];
  }),
];

/** Every subject, and every kind of kernel. */
const subjectsAndKinds: ElementsOf = ({ id, kernels }) => [
  subjectOf(id),
  ...kernels.map((label) => partsOf(label).kind),
];

/** What a kernel costs to compile on lavapipe, relative to a common forward kernel. */
export function priceOf(label: string): number {
  if (label.startsWith('heed/backward')) return 1.5;
  if (!label.startsWith('heed/forward')) return 0.1;
  const [, d, dv] = /d=(\d+) dv=(\d+)/.exec(label) ?? [];
  return Number(d) + Number(dv) > 256 ? 3 : 1;
}

/** Ids of cases, in their order. */
export interface SelectedCases {
  /** What other devices and compilers run: every subject, and every kind of kernel in every layout, storage and hook. */
  readonly devices: readonly string[];
  /** What browsers run, whose compilers other tiers have: every subject, and every kind of kernel. */
  readonly browsers: readonly string[];
  /** What `gpu-node` leaves to the full run: cases that need kernels beyond a cover of every group and part, or are slow. */
  readonly left: readonly string[];
}

/** A case that is slower than this, once its kernels are compiled, is left to the full run unless something needs it. */
const SLOW_MS = 75;

export function selectionOf(recorded: readonly Recorded[]): SelectedCases {
  const ids = (some: readonly Recorded[]): string[] =>
    recorded.filter((one) => some.includes(one)).map(({ id }) => id);
  const chosen = cover(recorded, groupsAndParts, priceOf);
  const compiled = new Set(chosen.flatMap(({ kernels }) => kernels));
  const left = recorded.filter(
    (one) =>
      !chosen.includes(one) &&
      (one.ms > SLOW_MS || !one.kernels.every((kernel) => compiled.has(kernel))),
  );
  // What the host refuses it refuses everywhere; and a case without a kernel stands only for a group that has none.
  const dispatching = new Set(
    recorded.filter(({ kernels }) => kernels.length > 0).map(({ id }) => groupOf(id)),
  );
  const elsewhere = recorded.filter(
    ({ id, kernels, host }) => !host && (kernels.length > 0 || !dispatching.has(groupOf(id))),
  );
  return {
    devices: ids(cover(elsewhere, subjectsAndKernels, priceOf)),
    browsers: ids(cover(elsewhere, subjectsAndKinds, priceOf)),
    left: ids(left),
  };
}
