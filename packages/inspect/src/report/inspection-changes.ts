import { figureNames, headingOf, type Inspection, numberText } from './inspection.ts';

/** A figure that differs between two runs; undefined where a run does not have it. */
interface Change {
  readonly name: string;
  readonly heading: string;
  readonly before: number | undefined;
  readonly now: number | undefined;
}

/** Kernels of two runs, compared by their names. */
interface Changes {
  readonly changed: readonly Change[];
  /** Kernels of both runs, and those of one only. A run over some of the cases has the kernels of those. */
  readonly both: number;
  readonly added: readonly string[];
  readonly missing: readonly string[];
}

/**
 * Returns what changed since a stored run.
 * @throws RangeError the runs are of different families
 */
function changesSince(then: Inspection, now: Inspection): Changes {
  if (then.family !== now.family) {
    throw new RangeError(
      `--compare: the stored run is for ${then.family}, this one for ${now.family}. Compare runs of one family.`,
    );
  }
  const before = new Map(then.kernels.map((kernel) => [kernel.name, kernel]));
  const names = new Set(now.kernels.map(({ name }) => name));
  const changed = now.kernels.flatMap(({ name, figures }) => {
    const known = before.get(name);
    if (!known) return [];
    return figureNames
      .map((figure) => ({
        name,
        heading: headingOf(figure),
        before: known.figures[figure],
        now: figures[figure],
      }))
      .filter((change) => numberText(change.before) !== numberText(change.now));
  });
  return {
    changed,
    both: now.kernels.filter(({ name }) => before.has(name)).length,
    added: [...names].filter((name) => !before.has(name)),
    missing: [...before.keys()].filter((name) => !names.has(name)),
  };
}

/**
 * Renders what changed since a stored run: a line per kernel with its figures before and now.
 * @throws RangeError the runs are of different families
 */
export function renderChanges(then: Inspection, now: Inspection): string {
  const { changed, both, added, missing } = changesSince(then, now);
  const names = [...new Set(changed.map(({ name }) => name))];
  const line = (name: string): string => {
    const texts = changed
      .filter((change) => change.name === name)
      .map((one) => `${one.heading} ${textOf(one.before)} → ${textOf(one.now)}`);
    return `  ${name}: ${texts.join(', ')}`;
  };
  const driver = then.driver === now.driver ? '' : `, whose driver was ${then.driver}`;
  return [
    `${names.length} of ${both} kernels changed since ${then.date}${driver}`,
    ...names.map(line),
    ...(added.length > 0 ? [`  only now: ${added.join(', ')}`] : []),
    ...(missing.length > 0 ? [`  not in this run: ${missing.join(', ')}`] : []),
    '',
  ].join('\n');
}

const textOf = (figure: number | undefined): string => numberText(figure) || 'none';
