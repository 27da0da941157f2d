/**
 * Returns those configs, in their order, that have a pair of values of two fields which no config before them has: every pair of
 * values of all configs is there, and most configs are not.
 */
export function pairwise<T extends object>(configs: readonly T[]): T[] {
  const seen = new Set<string>();
  return configs.filter((config) => {
    const values = Object.entries(config).map((field) => JSON.stringify(field, withFunctions));
    const pairs = values.flatMap((one, i) => values.slice(i + 1).map((other) => one + other));
    const fresh = pairs.filter((pair) => !seen.has(pair));
    for (const pair of fresh) seen.add(pair);
    return fresh.length > 0;
  });
}

/** JSON leaves functions out, of which hooks consist. */
const withFunctions = (_: string, value: unknown): unknown =>
  typeof value === 'function' ? String(value) : value;
