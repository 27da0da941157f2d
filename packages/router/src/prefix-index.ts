/** Workers of one map: as many bits as a small integer has. */
const mostBits = 30;

/** A worker's place in the index: a bit of the numbers of one map. */
export interface IndexPlace {
  readonly masks: Map<string, number>;
  readonly bit: number;
}

/**
 * Which workers have which names. Up to 30 workers share a map from a name to a number with a bit for each, so that one look finds
 * all who have it: prompts that begin alike are in many caches.
 */
export class PrefixIndex {
  readonly #maps: { readonly masks: Map<string, number>; used: number }[] = [];

  /** Returns a place that no worker has. */
  take(): IndexPlace {
    let map = this.#maps.find(({ used }) => used < 2 ** mostBits - 1);
    if (!map) this.#maps.push((map = { masks: new Map(), used: 0 }));
    let bit = 1;
    while (map.used & bit) bit <<= 1;
    map.used |= bit;
    return { masks: map.masks, bit };
  }

  /** Gives a place back, which must have no name any more. */
  release({ masks, bit }: IndexPlace): void {
    const map = this.#maps.find((one) => one.masks === masks);
    if (map) map.used &= ~bit;
  }
}

export const hasName = ({ masks, bit }: IndexPlace, name: string): boolean =>
  ((masks.get(name) ?? 0) & bit) !== 0;

/** Returns whether the name is new. */
export function addName({ masks, bit }: IndexPlace, name: string): boolean {
  const mask = masks.get(name) ?? 0;
  if (mask & bit) return false;
  masks.set(name, mask | bit);
  return true;
}

/** Returns whether the name was there. */
export function removeName({ masks, bit }: IndexPlace, name: string): boolean {
  const mask = masks.get(name) ?? 0;
  if (!(mask & bit)) return false;
  if (mask === bit) masks.delete(name);
  else masks.set(name, mask & ~bit);
  return true;
}

/** Returns all names of a place. */
export function namesOf({ masks, bit }: IndexPlace): string[] {
  const names: string[] = [];
  for (const [name, mask] of masks) if (mask & bit) names.push(name);
  return names;
}

/**
 * Returns, for each of these holders, how many of the names from the first on it has, or `expects`.
 *
 * @param expects whether a holder that does not have a name counts as if it had
 */
export function runsOf<T extends { readonly place: IndexPlace }>(
  holders: readonly T[],
  names: readonly string[],
  expects: (holder: T, name: string) => boolean,
): Map<T, number> {
  const runs = new Map<T, number>();
  const byMap = new Map<IndexPlace['masks'], T[]>();
  for (const holder of holders) {
    const { masks } = holder.place;
    byMap.set(masks, [...(byMap.get(masks) ?? []), holder]);
  }
  for (const [masks, list] of byMap) {
    let going = list;
    let bits = list.reduce((all, { place: { bit } }) => all | bit, 0);
    for (let i = 0; i < names.length && bits !== 0; i++) {
      const missing = bits & ~(masks.get(names[i]!) ?? 0);
      if (missing === 0) continue;
      for (const holder of going) {
        const { bit } = holder.place;
        if (!(missing & bit) || expects(holder, names[i]!)) continue;
        runs.set(holder, i);
        bits &= ~bit;
      }
      going = going.filter(({ place: { bit } }) => bits & bit);
    }
    for (const holder of going) runs.set(holder, names.length);
  }
  return runs;
}
