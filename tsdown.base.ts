import type { UserConfig } from 'tsdown';

const disposable = '/// <reference lib="esnext.disposable" />';

/**
 * Build settings shared by every published package: ES modules and declarations. Code is a file per module, so that a bundler
 * leaves out modules that a program does not import. Declarations are a file per entry, and chunks that several entries share.
 * tools/consumer checks what is packed.
 */
export const library = (entry: string[]): UserConfig[] => {
  const shared: UserConfig = { entry, platform: 'neutral', target: 'es2022' };
  return [
    { ...shared, unbundle: true, dts: false },
    // Disposable is in no lib before ESNext: a user's need not have it.
    { ...shared, clean: false, dts: { emitDtsOnly: true }, banner: { dts: disposable } },
  ];
};
