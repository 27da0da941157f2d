import type { Capabilities, TunedAdapter, Tuning } from '@heed/core';
import { show } from '@heed/core/kernel';
import type { TileConfig, TilePath } from '../text/tiles/tile-paths.ts';

/** The result of looking up a problem in a tuning. */
export interface Tuned {
  readonly tile?: TileConfig;
  /** Number of key splits, used where selection chooses it; default: as without an entry. */
  readonly splits?: number | undefined;
  /** Reason why there is no tile, if the tuning has entries. */
  readonly note?: string;
}

/**
 * Looks up the entry of a key.
 * @param modelsOf returns tiles of a path; an entry of that path must have their fields
 */
export function tunedChoice(
  key: string,
  modelsOf: (path: TilePath) => readonly TileConfig[],
  capabilities: Capabilities,
  { entries, adapter }: Tuning,
): Tuned {
  if (!entries) return {};
  const here = nameOf(capabilities.adapter);
  if (adapter && nameOf(adapter) !== here) {
    return { note: `tuning not used: made on '${nameOf(adapter)}', not '${here}'` };
  }
  if (!Object.hasOwn(entries, key)) return { note: 'not tuned: no entry for this problem' };
  // Entries come from a file and are untrusted: only known fields with small whole numbers or flags reach a kernel.
  const entry = Object(entries[key]) as Record<string, unknown>;
  const { splits } = entry;
  const [model] = modelsOf(entry['path'] as TilePath);
  const tile: Record<string, unknown> = {};
  for (const [name, like] of Object.entries({ ...model!, splits: splits && 1 })) {
    const value = entry[name];
    if (!isLike(value, like)) return { note: `tuned entry not used: ${name} is ${show(value)}` };
    if (name !== 'splits') tile[name] = value;
  }
  return { tile: tile as unknown as TileConfig, splits: splits as number | undefined };
}

function nameOf({ vendor, architecture, device, description }: TunedAdapter): string {
  return [vendor, architecture, device, description].join(', ');
}

function isLike(value: unknown, like: unknown): boolean {
  if (typeof like === 'boolean') return typeof value === 'boolean';
  if (typeof like !== 'number') return value === like;
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 128;
}
