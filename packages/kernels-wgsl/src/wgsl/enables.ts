import type { FloatType, WriteAccess } from '../config/forward.ts';
import type { TileConfig } from '../tiles/tile.ts';

/** The extensions that a kernel's text needs, and the device has where such a kernel is chosen. */
export function enables(
  path: TileConfig['path'] | undefined,
  resultType: FloatType,
  write: WriteAccess,
): string {
  const names = [
    path === 'subgroup' && 'enable subgroups;',
    resultType === 'f16' && write === 'scalar' && 'enable f16;',
  ];
  return names.filter(Boolean).join('\n');
}
