// What a message can show, and a comparison take.
const MOST_LISTED = 40;
const MOST_COMPARED = 400;
const LONGEST = 40;

/** "Did you mean …? " where a known name is close to the one written, else nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === undefined ? '' : `Did you mean ${near}? `;
}

/** A remedy for an unknown name: the nearest one, and all of them. */
export function knownNames(name: string, names: readonly string[]): string {
  const hint = didYouMean(name, names);
  if (names.length === 0) return `${hint}There are none.`;
  const more = names.length - MOST_LISTED;
  const listed = names.slice(0, MOST_LISTED).join(', ');
  return `${hint}There are ${listed}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** The known name that is close to the one written, if there is one. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  return names
    .slice(0, MOST_COMPARED)
    .filter((other) => other.length <= LONGEST)
    .map((other) => ({ other, edits: distance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, edits }) => edits <= Math.min(name.length, other.length) / 3)
    .toSorted((a, b) => a.edits - b.edits)[0]?.other;
}

/** How many letters to insert, delete, change or swap with the next (optimal string alignment). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  let above: number[] = [];
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = row[j]! + Number(a[i] !== b[j]);
      const isSwapped = i > 0 && j > 0 && a[i] === b[j - 1] && a[i - 1] === b[j];
      const swapped = isSwapped ? above[j - 1]! + 1 : changed;
      next.push(Math.min(changed, swapped, row[j + 1]! + 1, next[j]! + 1));
    }
    above = row;
    row = next;
  }
  return row.at(-1)!;
}
