import type { UserConfig } from 'tsdown';

const disposable = '/// <reference lib="esnext.disposable" />';

/**
 * Build settings shared by every published package: ESM and declarations. A file per module, so that a bundler leaves out what
 * a program does not import; the declarations of an entry are one file, as the API snapshots want them. What is packed of
 * it is checked in tools/consumer.
 */
export const library = (entry: string[]): UserConfig[] => {
  const shared: UserConfig = { entry, platform: 'neutral', target: 'es2022' };
  return [
    { ...shared, unbundle: true, dts: false },
    // Disposable is in no lib before ESNext: a user's need not have it.
    { ...shared, clean: false, dts: { emitDtsOnly: true }, banner: { dts: disposable } },
  ];
};
