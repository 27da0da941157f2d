import type { UserConfig } from 'tsdown';

/** Build settings shared by every published package: ESM, declarations, publint and attw. */
export const library = (entry: string[]): UserConfig => ({
  entry,
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  publint: true,
  attw: { enabled: true, profile: 'esm-only' },
});
