import type { FloatType, WriteAccess } from '../config/forward.ts';
import { tileEnables } from '../tiles/compute.ts';
import type { TileConfig } from '../tiles/tile.ts';

/** The extensions that a kernel's text needs, and the device has where such a kernel is chosen. */
export function enables(
  tile: TileConfig | undefined,
  resultType: FloatType,
  write: WriteAccess,
): string {
  const ofResult = resultType === 'f16' && write === 'scalar' ? ['f16'] : [];
  const names = new Set([...(tile ? tileEnables(tile) : []), ...ofResult]);
  return [...names].map((name) => `enable ${name};`).join('\n');
}
