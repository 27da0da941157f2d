import type { Rolldown, UserConfig } from 'tsdown';

const disposable = '/// <reference lib="esnext.disposable" />';

/**
 * Build settings shared by every published package: ES modules and declarations. Code is a file per module, so that a bundler
 * leaves out modules that a program does not import. Declarations are a file per entry, and chunks that several entries share.
 * tools/consumer checks what is packed.
 */
export const library = (entry: string[]): UserConfig[] => {
  const shared: UserConfig = { entry, platform: 'neutral', target: 'es2022' };
  return [
    { ...shared, unbundle: true, dts: false, plugins: [withoutKernelComments] },
    // Disposable is in no lib before ESNext: a user's need not have it.
    { ...shared, clean: false, dts: { emitDtsOnly: true }, banner: { dts: disposable } },
  ];
};

/**
 * Leaves the comments of kernels out of what is published. A minifier removes comments of JavaScript, but not those in a
 * template, and every user of attention would download 1.7 kB of them.
 */
const withoutKernelComments: Rolldown.Plugin = {
  name: 'without-kernel-comments',
  transform: {
    filter: { id: /\.ts$/, code: 'wgsl`' },
    handler(code) {
      const templates = kernelTemplates(this.parse(code, { lang: 'ts' }));
      const { text, end } = templates.reduce(
        (done, { start, end: next }) => ({
          text: done.text + code.slice(done.end, start) + withoutComments(code.slice(start, next)),
          end: next,
        }),
        { text: '', end: 0 },
      );
      return { code: text + code.slice(end), map: null };
    },
  },
};

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Returns the outermost templates with the tag `wgsl`, in order. */
function kernelTemplates(node: unknown): Range[] {
  if (typeof node !== 'object' || node === null) return [];
  const { type, tag } = node as { type?: string; tag?: { name?: string } };
  if (type === 'TaggedTemplateExpression' && tag?.name === 'wgsl') return [node as Range];
  return Object.values(node).flatMap(kernelTemplates);
}

// A comment's line may contain an expression, but no expression spans several such lines.
const withoutComments = (template: string): string => template.replace(/^[ \t]*\/\/ .*\n/gm, '');
