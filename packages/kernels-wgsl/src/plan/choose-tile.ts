import { UnsupportedError } from '@heed/core';
import { tileShape } from '../tiles/compute.ts';
import type { TileConfig, TilePath } from '../tiles/tile.ts';
import type { Tuned } from './tuned.ts';

/**
 * The first tile that the device can run: the tuned one, if there is one, else of those in the table.
 * @throws UnsupportedError none of them
 */
export function chooseTile<T extends TileConfig>(
  tiles: readonly T[],
  forced: TilePath | undefined,
  cannot: (tile: T) => string | undefined,
  tuned: Pick<Tuned<T>, 'tile' | 'note'> = {},
): { tile: T; reason: string } {
  const refused: [path: TilePath, reason: string][] = [];
  const refusals = (chosen?: TilePath): string[] =>
    refused.map(([path, reason]) => `not ${path === chosen ? 'larger ones' : path}: ${reason}`);
  const notes = tuned.note === undefined ? [] : [tuned.note];
  for (const tile of tuned.tile ? [tuned.tile, ...tiles] : tiles) {
    const reason = cannot(tile);
    if (reason === undefined) {
      const { tileM, tileN } = tileShape(tile);
      const isTuned = tile === tuned.tile;
      const why = isTuned ? 'tuned' : forced === undefined ? 'default for this class' : 'forced';
      const chosen = `${why}: ${tile.path} tiles of ${tileM} × ${tileN}`;
      return { tile, reason: [...new Set([chosen, ...notes, ...refusals(tile.path)])].join('; ') };
    }
    if (tile === tuned.tile) notes.push(`not the tuned ${tile.path}: ${reason}`);
    else refused.push([tile.path, reason]);
  }
  const kernel = forced === undefined ? 'kernel' : `${forced} kernel`;
  const fix = forced === undefined ? 'Open the Gpu on another adapter' : 'Remove tuning.force';
  throw new UnsupportedError(
    `attention: no ${kernel} can run on this device; ${[...new Set(refusals())].join('; ')}. ${fix}.`,
  );
}
